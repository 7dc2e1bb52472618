import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResponseHead } from '../../src/http/response-head.ts';
import { encodeText } from './heads.ts';

const LIMIT_BYTES = 64 * 1024;

const read = (text: string) => parseResponseHead(encodeText(text), LIMIT_BYTES);

describe('the head of a response', () => {
  it('is a version, a status, a reason and fields', () => {
    const text = 'HTTP/1.1 404 Not  Found\r\nX-A: b\r\nset-cookie:\t c \r\n\r\n';
    expect(read(`${text}content`)).toEqual({
      kind: 'head',
      headBytes: text.length,
      head: {
        version: '1.1',
        status: 404,
        reasonPhrase: 'Not  Found',
        fields: [
          { name: 'x-a', spelling: 'X-A', value: 'b' },
          { name: 'set-cookie', spelling: 'set-cookie', value: 'c' },
        ],
      },
    });
  });

  it.each([
    { what: 'no reason', text: 'HTTP/1.1 200\r\n\r\n', head: { status: 200, reasonPhrase: '' } },
    { what: 'an empty reason', text: 'HTTP/1.1 200 \r\n\r\n', head: { status: 200, reasonPhrase: '' } },
    { what: 'HTTP/1.0', text: 'HTTP/1.0 200 OK\r\n\r\n', head: { version: '1.0' } },
    { what: 'a later minor version', text: 'HTTP/1.2 200 OK\r\n\r\n', head: { version: '1.1' } },
    { what: 'one empty line in front', text: '\r\nHTTP/1.1 200 OK\r\n\r\n', head: { status: 200 } },
    {
      what: 'lines that end with LF',
      text: 'HTTP/1.1 200 OK\nA: b\n\n',
      head: { fields: [{ name: 'a', spelling: 'A', value: 'b' }] },
    },
    {
      what: 'a folded field',
      text: 'HTTP/1.1 200 OK\r\nA: b\r\n\t c\r\n d\r\n\r\n',
      head: { fields: [{ name: 'a', spelling: 'A', value: 'b c d' }] },
    },
    {
      what: 'folds before and behind a value',
      text: 'HTTP/1.1 200 OK\r\nA:\r\n b\r\n \t\r\n\r\n',
      head: { fields: [{ name: 'a', spelling: 'A', value: 'b' }] },
    },
    {
      what: 'control characters in a value',
      text: 'HTTP/1.1 200 OK\r\nA: \x01b\x7f\r\n\r\n',
      head: { fields: [{ name: 'a', spelling: 'A', value: '\x01b\x7f' }] },
    },
    {
      what: 'blanks before a colon',
      text: 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
      head: { fields: [{ name: 'a', spelling: 'A', value: 'b' }] },
    },
  ])('is taken with $what', ({ text, head }) => {
    expect(read(text)).toMatchObject({ kind: 'head', headBytes: text.length, head });
  });

  it.each([
    ...[
      'SSH-2.0-x',
      'ICY 200 OK\r\n\r\n',
      'HTTP/2 200\r\n\r\n',
      '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
      'http/1.1 200 OK\r\n\r\n',
      '\n\n',
      '\0',
    ],
    ...[
      'HTTP/1.1\r\n\r\n',
      'HTTP/1.1 20 OK\r\n\r\n',
      'HTTP/1.1 2000 OK\r\n\r\n',
      'HTTP/1.1 099 OK\r\n\r\n',
      'HTTP/1.1 OK\r\n\r\n',
    ],
    ...[
      'HTTP/1.1 200 a\0\r\n\r\n',
      'HTTP/1.1 200 a\x1b\r\n\r\n',
      'HTTP/1.1 200 OK\rX',
      'HTTP/1.1 200 OK\r\nA: \0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n',
    ],
    ...[
      'HTTP/1.1 200 OK\r\n A: b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA\r\n\r\n',
      'HTTP/1.1 200 OK\r\n: b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA b: c\r\n\r\n',
    ],
  ])('is malformed: %j', (text) => {
    expect(read(text).kind).toBe('malformed');
  });

  it('is asked for as long as it may still become one, and is the same in any pieces', () => {
    const text = '\r\nHTTP/1.1 200 OK\r\nA: b\n c\r\n\n';
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 8 })), (steps) => {
        let resumeAt = 0;
        let length = 0;
        for (const step of steps) {
          length = Math.min(length + step, text.length - 1);
          const result = parseResponseHead(encodeText(text.slice(0, length)), LIMIT_BYTES, resumeAt);
          if (result.kind !== 'need-more') throw new Error(`${result.kind} after ${length} bytes`);
          ({ resumeAt } = result);
        }
        expect(parseResponseHead(encodeText(text), LIMIT_BYTES, resumeAt)).toEqual(read(text));
      }),
    );
  });

  it('is too large beyond its limit', () => {
    expect(parseResponseHead(encodeText(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100)}`), 100).kind).toBe('too-large');
  });
});
