import { describe, expect, it } from 'vitest';
import { recogniseTls } from '../src/tls-opening.ts';

describe('recogniseTls', () => {
  it.each([
    { what: 'a handshake record, by its type alone', bytes: [22] },
    { what: 'a TLS 1.3 hello', bytes: [22, 3, 1, 2, 0, 1] },
    { what: 'an SSL 2.0 hello', bytes: [0x80, 0x2e, 1, 0, 2] },
    { what: 'an SSL 2.0 hello that offers TLS 1.2', bytes: [0x80, 0x2e, 1, 3, 3] },
    { what: 'a long SSL 2.0 hello', bytes: [0x81, 0x03, 1, 3, 1, 0, 0x60] },
  ])('takes $what for TLS', ({ bytes }) => {
    expect(recogniseTls(Uint8Array.from(bytes))).toBe('tls');
  });

  it.each([
    { what: 'a request line', bytes: [...Buffer.from('CONNECT a:443')] },
    { what: 'one letter', bytes: [0x43] },
    { what: 'an alert record', bytes: [21, 3, 3, 0, 2] },
    { what: 'an SSL 2.0 record of another message', bytes: [0x80, 0x2e, 4] },
    { what: 'an SSL 2.0 hello of no known version', bytes: [0x80, 0x2e, 1, 0, 3] },
    { what: 'the first half of a version that TLS never had', bytes: [0x80, 0x2e, 1, 1] },
    { what: 'UTF-8', bytes: [...Buffer.from('äöü')] },
  ])('does not take $what for TLS', ({ bytes }) => {
    expect(recogniseTls(Uint8Array.from(bytes))).toBe('not-tls');
  });

  it.each([
    { bytes: [] },
    { bytes: [0x80] },
    { bytes: [0x80, 0x2e] },
    { bytes: [0x80, 0x2e, 1] },
    { bytes: [0x80, 0x2e, 1, 3] },
  ])('cannot tell after $bytes', ({ bytes }) => {
    expect(recogniseTls(Uint8Array.from(bytes))).toBe('undecided');
  });
});
