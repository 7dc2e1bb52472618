import { describe, expect, it } from 'vitest';
import { readSslv2Hello } from '../src/sslv2-hello.ts';
import { join, sslv2Hello } from './hello-fixtures.ts';

it.each([
  [0x0002, 'SSLv2'],
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1.0'],
  [0x0303, 'TLSv1.2'],
])('names no host, and offers what version %d inside says: %s', (version, tls) => {
  expect(readSslv2Hello(sslv2Hello({ version }))).toEqual({
    kind: 'hello',
    hello: { alpn: [], alpnDropped: 0, tls, ech: false, random: 0 },
    endsAt: sslv2Hello().length,
  });
});

it.each([
  ['no cipher spec', sslv2Hello({ cipherSpecs: new Uint8Array() })],
  ['half a cipher spec', sslv2Hello({ cipherSpecs: Buffer.alloc(5) })],
])('is not judged by its cipher specs: %s', (_what, bytes) => {
  expect(readSslv2Hello(bytes)).toMatchObject({ kind: 'hello' });
});

it('may resume a session, and be followed by more', () => {
  const bytes = join(sslv2Hello({ sessionId: Buffer.alloc(16, 1) }), 'more');
  expect(readSslv2Hello(bytes)).toMatchObject({ kind: 'hello' });
});

it('needs more bytes until it is whole, and never more than it has', () => {
  const whole = sslv2Hello();
  for (let length = 1; length < whole.length; length += 1) {
    const found = readSslv2Hello(whole.subarray(0, length));
    expect(found, `${length} bytes`).toEqual({ kind: 'need-more', atLeastBytes: length < 11 ? 11 : whole.length });
  }
});

describe('malformed', () => {
  it.each([
    ['a length longer than its parts', sslv2Hello({ messageLength: 32 })],
    ['a length shorter than its parts', sslv2Hello({ messageLength: 30 })],
  ])('is %s', (_what, bytes) => {
    expect(readSslv2Hello(bytes)).toMatchObject({ kind: 'malformed' });
  });
});

it.each([
  ['text', join('G')],
  ['an alert record', Uint8Array.of(21)],
  ['type 42', Uint8Array.of(42, 3, 1)],
  ['only ones', Buffer.alloc(5, 0xff)],
  ['another message type, as soon as it is there', Uint8Array.of(0x80, 0x2e, 2)],
  ['major version 1', Uint8Array.of(0x80, 0x2e, 1, 1)],
  ['version 0.3', Uint8Array.of(0x80, 0x2e, 1, 0, 3)],
])('is not what %s begins', (_what, bytes) => {
  expect(readSslv2Hello(bytes)).toEqual({ kind: 'not-tls' });
});
