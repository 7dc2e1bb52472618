/** No parser of what a stranger sends takes more than linear time over it, whatever it is made of. */
import { describe, expect, it } from 'vitest';
import { parseDestination } from '@sallyport/policy';
import { parseAuthorityForm } from '../../src/authority-form.ts';
import { ChunkedReader } from '../../src/http/chunked-reader.ts';
import { requestContentForm, responseContentForm } from '../../src/http/content-form.ts';
import { offeredUpgrade, requestFieldsUp, responseFieldsDown } from '../../src/http/fields.ts';
import { findDoubtfulField, joinedValues, parseRequestHead } from '../../src/http/request-head.ts';
import { parseRequestTarget } from '../../src/http/request-target.ts';
import { parseResponseHead } from '../../src/http/response-head.ts';
import { parseBasicCredentials } from '../../src/identity/basic-credentials.ts';
import { acceptsJson } from '../../src/refusal/accepts-json.ts';
import { whyCircular } from '../../src/via.ts';

/** As much as `limits.handshake_bytes` may be: quadratic time over it is a second and more. */
const LENGTH = 64 * 1024;
const LIMIT_BYTES = 2 * LENGTH;

/** Of this process's own time, so that a busy machine does not matter. Some milliseconds where it is linear. */
const BOUND_MS = 500;

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  'the head of a request': (text) => readRequest(`GET http://a/ HTTP/1.1\r\nHost: a\r\n${text}\r\n\r\n`),
  'the line of a request': (text) => readRequest(`${text}\r\n\r\n`),
  'the head of a response': (text) => readResponse(`HTTP/1.1 200 OK\r\n${text}\r\n\r\n`),
  'the line of a response': (text) => readResponse(`HTTP/1.1 ${text}\r\n\r\n`),
  'a field of a request': (text) => FIELDS.map((name) => readRequest(`GET / HTTP/1.1\r\n${name}: ${text}\r\n\r\n`)),
  'a field of a response': (text) => FIELDS.map((name) => readResponse(`HTTP/1.1 200 OK\r\n${name}: ${text}\r\n\r\n`)),
  'a target': (text) => parseRequestTarget({ method: 'GET', requestTarget: text, host: text }, false),
  'an absolute target': (text) =>
    parseRequestTarget({ method: 'GET', requestTarget: `http://${text}`, host: '' }, true),
  'an authority': (text) => parseAuthorityForm(text),
  'a host': (text) => parseDestination(text, 1),
  'a host in brackets': (text) => parseDestination(`[${text}`, 1),
  chunks: (text) => new ChunkedReader('strict').read(bytesOf(text)),
  'an extension of a chunk': (text) => new ChunkedReader('lenient').read(bytesOf(`1;${text}`)),
  trailers: (text) => new ChunkedReader('strict').read(bytesOf(`0\r\n${text}`)),
  credentials: (text) => parseBasicCredentials(text),
  'the base64 of credentials': (text) => parseBasicCredentials(`Basic ${text}`),
  'what a client accepts': (text) => acceptsJson(text),
};

const FIELDS = [
  'Host',
  'Connection',
  'Proxy-Connection',
  'Via',
  'Upgrade',
  'TE',
  'Content-Length',
  'Transfer-Encoding',
  'Max-Forwards',
  'X',
];

const PIECES = [
  ...[
    ' ',
    '\t',
    ' \t',
    '\r\n',
    '\n',
    ':',
    '::',
    '/',
    '//',
    '?',
    '@',
    '#',
    '%',
    '%0',
    '.',
    '-',
    '_',
    ',',
    ', ',
    ';',
    ';=',
    '=',
    '"',
    '\\"',
  ],
  ...[
    'a',
    'A',
    '0',
    '1',
    '9',
    'f',
    'x',
    'a.',
    'a-',
    '1.',
    '0x',
    '[',
    ']',
    '[]',
    '[:',
    'a:',
    '\xe9',
    '\0',
    '\x7f',
    '(',
    ')',
    '*',
    '+',
    '~',
  ],
  ...[
    'a: b\r\n',
    'a:\r\n',
    ' a\r\n',
    '1\r\na\r\n',
    '0\r\n',
    'xn--',
    'http://',
    'chunked,',
    'close, ',
    '1.1 sallyport, ',
    'q=0.5,',
    'a/b;q=1,',
  ],
];

describe('over 64 KiB of anything', () => {
  it.each(Object.keys(PARSERS))(
    'takes no time to speak of: %s',
    (name) => {
      const slow = PIECES.flatMap((piece) => ['', '!'].map((end) => ({ piece, end }))).filter(({ piece, end }) => {
        const text = piece.repeat(Math.ceil(LENGTH / piece.length)) + end;
        const before = process.cpuUsage();
        PARSERS[name]?.(text);
        const { user, system } = process.cpuUsage(before);
        return user + system > BOUND_MS * 1000;
      });
      expect(slow).toEqual([]);
    },
    120_000,
  );
});

function readRequest(text: string): void {
  const result = parseRequestHead(bytesOf(text), LIMIT_BYTES);
  if (result.kind !== 'head') return;
  const { head } = result;
  findDoubtfulField(head);
  requestContentForm(head);
  whyCircular(joinedValues(head, 'via') ?? '');
  offeredUpgrade(head);
  requestFieldsUp(head, { kind: 'none' }, 'a');
}

function readResponse(text: string): void {
  const result = parseResponseHead(bytesOf(text), LIMIT_BYTES);
  if (result.kind !== 'head') return;
  responseContentForm(result.head, 'GET');
  responseFieldsDown(result.head);
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
