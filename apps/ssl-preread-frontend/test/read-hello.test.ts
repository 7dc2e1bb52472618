import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHelloScan } from '../src/read-hello.ts';
import { anyBytes, recordsOfGoodHello } from './hello-arbitraries.ts';
import { browserHello, hello, join, padding, record, recordsCutAt, serverName, sslv2Hello } from './hello-fixtures.ts';

const scan = (bytes: Uint8Array) => createHelloScan()(bytes);

/** Shows `bytes` as they would arrive in these pieces, and returns each answer. */
function scanInPieces(bytes: Uint8Array, lengths: readonly number[]) {
  const look = createHelloScan();
  return lengths.map((length) => look(bytes.subarray(0, length)));
}

describe('a ClientHello that comes in pieces', () => {
  const name = 'pieces.example.com';
  const browser = browserHello(name);

  it('is over one segment, so that the rest of this means something', () => {
    expect(browser.length).toBeGreaterThan(1_700);
  });

  it('is read from two segments cut at any byte', () => {
    const bytes = record(browser);
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const [early, whole] = scanInPieces(bytes, [cut, bytes.length]);
      expect(early, `cut at ${cut}`).toMatchObject({ kind: 'need-more' });
      expect(whole, `cut at ${cut}`).toMatchObject({ kind: 'hello', hello: { sni: name } });
    }
  });

  it('is read from two records cut at any byte, SNI included, and segments cut where the records are', () => {
    for (let cut = 1; cut < browser.length; cut += 1) {
      const bytes = recordsCutAt(browser, [cut]);
      const answers = scanInPieces(bytes, [5 + cut, bytes.length]);
      expect(
        answers.map(({ kind }) => kind),
        `cut at ${cut}`,
      ).toEqual(['need-more', 'hello']);
    }
  });

  it('is read from segments of one byte, and never asks for a byte too many', () => {
    const bytes = record(browser);
    const answers = scanInPieces(bytes, [...bytes.keys()]);
    for (const [arrived, answer] of answers.entries()) {
      if (answer.kind !== 'need-more') throw new Error(`certain of ${answer.kind} after ${arrived} bytes`);
      expect(answer.atLeastBytes).toBeGreaterThan(arrived);
      expect(answer.atLeastBytes).toBeLessThanOrEqual(bytes.length);
    }
    expect(scan(bytes)).toMatchObject({ kind: 'hello' });
  });

  it('is the same however it is cut into records and segments', () => {
    fc.assert(
      fc.property(recordsOfGoodHello, fc.array(fc.nat(), { maxLength: 20 }), ({ message, records }, cuts) => {
        const lengths = cuts.map((cut) => cut % records.length).sort((a, b) => a - b);
        const answers = scanInPieces(records, [...lengths, records.length]);
        expect(answers.slice(0, -1).every(({ kind }) => kind === 'need-more')).toBe(true);
        expect(answers.at(-1)).toEqual({ ...scan(record(message)), endsAt: records.length });
      }),
    );
  });

  // Quadratic, this would take minutes and fail by its time limit.
  it('costs no more for coming as 64 KiB of records and segments of one byte', () => {
    const message = hello(serverName(name), padding(10_700));
    const bytes = recordsCutAt(message, [...message.keys()]);
    expect(bytes.length).toBeGreaterThan(64_000);

    const answers = scanInPieces(bytes, [...bytes.keys(), bytes.length]);
    expect(answers.at(-1)).toMatchObject({ kind: 'hello', hello: { sni: name } });
  });
});

describe('the answer', () => {
  it('is what an SSL 2.0 hello says, which names no host', () => {
    expect(scan(sslv2Hello())).toEqual({
      kind: 'hello',
      hello: { alpn: [], alpnDropped: 0, tls: 'SSLv2', ech: false, random: 0 },
      endsAt: sslv2Hello().length,
    });
  });

  it.each([
    ['1000 times x', 'x'.repeat(1000)],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['an alert', Uint8Array.of(21, 3, 1, 0, 2, 2, 40)],
    ['a record of type 42', Uint8Array.of(42, 3, 1, 0, 1, 1)],
    ['ff ff ff ff ff', Buffer.alloc(5, 0xff)],
  ])('to %s is that it is no TLS, at the first byte', (_what, bytes) => {
    expect(scan(join(bytes).subarray(0, 3))).toEqual({ kind: 'not-tls' });
  });

  it('to no byte at all is to wait for one', () => {
    expect(scan(new Uint8Array())).toEqual({ kind: 'need-more', atLeastBytes: 1 });
  });

  it('takes early data behind the hello for no part of it', () => {
    const bytes = join(record(hello(serverName('a.example'))), record(join('early'), { type: 23, version: 0x0303 }));
    expect(scan(bytes)).toMatchObject({ kind: 'hello', hello: { sni: 'a.example' } });
  });

  it('says where what comes behind the hello begins', () => {
    const bytes = record(hello(serverName('a.example')));
    for (const behind of [record(hello(serverName('b.example'))), join('junk')]) {
      expect(scan(join(bytes, behind))).toMatchObject({ hello: { sni: 'a.example' }, endsAt: bytes.length });
    }
  });

  it('is one of its kinds for any bytes in any pieces, and the same as for all of them at once', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const answers = scanInPieces(bytes, [...bytes.keys(), bytes.length]);
        const decided = answers.find(({ kind }) => kind !== 'need-more');
        if (decided !== undefined) expect(['hello', 'malformed', 'not-tls']).toContain(decided.kind);
        // Once certain it stays so: what comes behind can change nothing.
        if (decided?.kind === 'hello' || decided?.kind === 'not-tls') expect(scan(bytes)).toEqual(decided);
        else expect(scan(bytes).kind).toBe(decided?.kind ?? 'need-more');
      }),
      { numRuns: 2_000 },
    );
  });
});
