import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDoubtfulField, parseRequestHead } from '../../src/http/request-head.ts';
import { growthOfTime, LINEAR } from '../../../../test/growth-of-time.ts';
import { DOUBTFUL_HEADS, encodeHead, encodeText, HOST, MALFORMED_HEADS, readRequest } from './heads.ts';

const LIMIT_BYTES = 16 * 1024;
const PLAIN = encodeHead('CONNECT example.com:443 HTTP/1.1', HOST);

describe('parseRequestHead', () => {
  it('reads method, target, version and fields, and where the head ends', () => {
    const bytes = encodeHead(
      'CONNECT example.com:443 HTTP/1.1',
      HOST,
      'User-Agent: curl/8.5',
      'Proxy-Connection: Keep-Alive',
    );
    expect(parseRequestHead(Buffer.concat([bytes, encodeText('\x16\x03\x01 early')]), LIMIT_BYTES)).toEqual({
      kind: 'head',
      headBytes: bytes.length,
      head: {
        method: 'CONNECT',
        requestTarget: 'example.com:443',
        version: '1.1',
        fields: [
          { name: 'host', spelling: 'Host', value: 'example.com:443' },
          { name: 'user-agent', spelling: 'User-Agent', value: 'curl/8.5' },
          { name: 'proxy-connection', spelling: 'Proxy-Connection', value: 'Keep-Alive' },
        ],
      },
    });
  });

  it.each([
    { what: 'HTTP/1.1 without Host', text: 'CONNECT example.com:443 HTTP/1.1\r\n\r\n' },
    { what: 'HTTP/1.0 without Host', text: 'CONNECT example.com:443 HTTP/1.0\r\n\r\n' },
    { what: 'one empty line in front', text: `\r\nCONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
    { what: 'an empty Host', text: 'CONNECT example.com:443 HTTP/1.1\r\nHost:\r\n\r\n' },
    {
      what: 'a Host that differs from the target',
      text: 'CONNECT example.com:443 HTTP/1.1\r\nHost: other.example\r\n\r\n',
    },
    { what: 'an IPv6 Host', text: 'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n' },
    { what: 'a tab in a value', text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\nX-A: a\tb\r\n\r\n` },
    { what: 'bytes above ASCII in the target', text: `GET /caf\xe9 HTTP/1.1\r\n${HOST}\r\n\r\n` },
    { what: 'bytes above ASCII in a value', text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\nX-A: caf\xe9\r\n\r\n` },
    { what: 'the same field twice', text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\nVia: a\r\nVia: b\r\n\r\n` },
    { what: 'another method', text: 'GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n' },
    { what: 'a method of its own', text: 'M-SEARCH! * HTTP/1.1\r\nHost: example.com\r\n\r\n' },
  ])('takes $what', ({ text }) => {
    expect(parseRequestHead(encodeText(text), LIMIT_BYTES).kind).toBe('head');
  });

  it('takes spaces and tabs around a value for no part of it', () => {
    const bytes = encodeHead('CONNECT a:443 HTTP/1.1', 'Host: \t a:443\t ', 'X-Empty: \t ', 'X-Words:one two');
    expect(parseRequestHead(bytes, LIMIT_BYTES)).toMatchObject({
      head: {
        fields: [
          { name: 'host', spelling: 'Host', value: 'a:443' },
          { name: 'x-empty', spelling: 'X-Empty', value: '' },
          { name: 'x-words', spelling: 'X-Words', value: 'one two' },
        ],
      },
    });
  });

  it.each(MALFORMED_HEADS)('refuses $text: $why', ({ text, why }) => {
    expect(parseRequestHead(encodeText(text), LIMIT_BYTES)).toEqual({ kind: 'malformed', why });
  });

  it.each(DOUBTFUL_HEADS)('takes what is doubtful, for others to judge it: $text', ({ text, why }) => {
    const result = parseRequestHead(encodeText(text), LIMIT_BYTES);
    expect(result.kind === 'head' && findDoubtfulField(result.head)).toBe(why);
  });

  it('finds no doubt where there is none', () => {
    const head = readRequest('GET / HTTP/1.1', HOST, 'Proxy-Authorization: a', 'Via: a', 'Via: a');
    expect(findDoubtfulField(head)).toBeUndefined();
  });

  it.each([
    { what: 'a bare LF', text: 'CONNECT a:443 HTTP/1.1\n' },
    { what: 'a bare CR', text: 'CONNECT a:443 HTTP/1.1\rX' },
    { what: 'a NUL', text: 'CONNECT a\0' },
  ])('refuses $what before the head is whole, not at the deadline', ({ text }) => {
    expect(parseRequestHead(encodeText(text), LIMIT_BYTES).kind).toBe('malformed');
  });

  it('asks for more at every length short of the whole head', () => {
    for (let length = 0; length < PLAIN.length; length++) {
      expect(parseRequestHead(PLAIN.subarray(0, length), LIMIT_BYTES).kind).toBe('need-more');
    }
  });

  it('passes a head of exactly the limit, whatever comes behind it', () => {
    expect(parseRequestHead(PLAIN, PLAIN.length).kind).toBe('head');
    expect(parseRequestHead(Buffer.concat([PLAIN, PLAIN]), PLAIN.length).kind).toBe('head');
  });

  it('refuses a head of one byte more than the limit as soon as the limit is read', () => {
    expect(parseRequestHead(PLAIN, PLAIN.length - 1)).toEqual({ kind: 'too-large' });
    expect(parseRequestHead(PLAIN.subarray(0, -1), PLAIN.length - 1)).toEqual({ kind: 'too-large' });
    expect(parseRequestHead(PLAIN.subarray(0, -2), PLAIN.length - 1).kind).toBe('need-more');
  });

  it('looks at no byte behind the limit', () => {
    const poisoned = Buffer.concat([PLAIN.subarray(0, 20), Buffer.alloc(100)]);
    expect(parseRequestHead(poisoned, 20)).toEqual({ kind: 'too-large' });
  });

  it('looks at every byte at most twice when 64 KiB drip in one by one', () => {
    const bytes = encodeHead('CONNECT a:443 HTTP/1.1', HOST, `X-Pad: ${'x'.repeat(64 * 1024 - 100)}`);
    let resumeAt = 0;
    for (let length = 0; length < bytes.length; length++) {
      const result = parseRequestHead(bytes.subarray(0, length), 64 * 1024, resumeAt);
      if (result.kind !== 'need-more') throw new Error(`${result.kind} after ${length} bytes`);
      resumeAt = result.resumeAt;
      if (resumeAt < length - 1) expect.fail(`scans again from ${resumeAt} with ${length} bytes there`);
    }
    expect(parseRequestHead(bytes, 64 * 1024, resumeAt).kind).toBe('head');
  });

  it.each([
    { what: 'spaces within a value', line: (length: number) => `X-A: a${' '.repeat(length)}b` },
    { what: 'tabs and spaces around nothing', line: (length: number) => `X-A:${' \t'.repeat(length / 2)}` },
    { what: 'field lines', line: (length: number) => 'a:\r\n'.repeat(length / 4) + 'b:' },
    { what: 'colons', line: (length: number) => ':'.repeat(length) },
  ])('takes linear time over 64 KiB of $what', ({ line }) => {
    const parse = (length: number) =>
      parseRequestHead(encodeHead('CONNECT a:443 HTTP/1.1', HOST, line(length)), 128 * 1024);
    expect(growthOfTime(parse, 64 * 1024)).toBeLessThan(LINEAR);
  });

  it('gives the same answer however the bytes are cut', () => {
    const texts = fc.constantFrom(PLAIN.toString('latin1'), ...MALFORMED_HEADS.map(({ text }) => text));
    fc.assert(
      fc.property(texts, fc.array(fc.nat(80), { maxLength: 8 }), (text, cuts) => {
        const bytes = encodeText(text);
        expect(parseInPieces(bytes, cuts)).toEqual(parseRequestHead(bytes, LIMIT_BYTES));
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('CONNECT ', 'a:443', ' HTTP/1.1', '\r\n', '\r', '\n', 'Host: ', ':', '\t', ' ').map(encodeText),
    );
    fc.assert(
      fc.property(fc.array(pieces), fc.nat(200), fc.nat(300), (chunks, limitBytes, resumeAt) => {
        const bytes = Buffer.concat(chunks);
        const result = parseRequestHead(bytes, limitBytes, resumeAt);
        if (result.kind === 'head') expect(result.headBytes).toBeLessThanOrEqual(Math.min(limitBytes, bytes.length));
        if (result.kind === 'need-more') expect(bytes.length).toBeLessThan(limitBytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Parses as a reader of a socket does: again with every piece, from where the last call stopped. */
function parseInPieces(bytes: Buffer, cuts: readonly number[]): ReturnType<typeof parseRequestHead> {
  let resumeAt = 0;
  for (const length of [...cuts].sort((a, b) => a - b)) {
    const result = parseRequestHead(bytes.subarray(0, length), LIMIT_BYTES, resumeAt);
    if (result.kind !== 'need-more') return result;
    resumeAt = result.resumeAt;
  }
  return parseRequestHead(bytes, LIMIT_BYTES, resumeAt);
}
