/** Request heads for the tests, one field line an entry. */
import { parseRequestHead, type RequestHead } from '../../src/http/request-head.ts';
import { parseResponseHead, type ResponseHead } from '../../src/http/response-head.ts';

/** A head as bytes, every line ended with CRLF and an empty one behind; a character is a byte. */
export function encodeHead(requestLine: string, ...fieldLines: string[]): Buffer {
  return Buffer.from([requestLine, ...fieldLines, '', ''].join('\r\n'), 'latin1');
}

/** Any text as bytes, a character a byte. */
export function encodeText(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export const HOST = 'Host: example.com:443';

/** The head of a request that is well formed. */
export function readRequest(requestLine: string, ...fieldLines: string[]): RequestHead {
  const result = parseRequestHead(encodeHead(requestLine, ...fieldLines), 64 * 1024);
  if (result.kind !== 'head') throw new Error(`the head is ${result.kind}`);
  return result.head;
}

/** The head of a response that is well formed. */
export function readResponse(statusLine: string, ...fieldLines: string[]): ResponseHead {
  const result = parseResponseHead(encodeHead(statusLine, ...fieldLines), 64 * 1024);
  if (result.kind !== 'head') throw new Error(`the head is ${result.kind}`);
  return result.head;
}

/** Each is one defect away from a CONNECT that is answered with 200. */
export const MALFORMED_HEADS = [
  { why: 'the head has a bare LF', text: `CONNECT example.com:443 HTTP/1.1\n${HOST}\n\n` },
  { why: 'the head has a bare LF', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\n\r\n` },
  { why: 'the head has a bare LF', text: `\nCONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { why: 'the head has a bare CR', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\r\n\r\n` },
  { why: 'the head has a bare CR', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\rX-A: b\r\n\r\n` },
  { why: 'the head has a bare CR', text: `CONNECT exa\rmple.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { why: 'the head has a control character', text: `CONNECT example.com\0:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { why: 'the head has a control character', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\nX-A: b\0\r\n\r\n` },
  { why: 'the head has a control character', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\nX-A: \x1b\r\n\r\n` },
  { why: 'the head has a control character', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\nX-A: \x7f\r\n\r\n` },
  { why: 'the head has a control character', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\nX-\x01: b\r\n\r\n` },
  { why: 'the head has a folded line (obs-fold)', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n b\r\n\r\n` },
  { why: 'the head has a folded line (obs-fold)', text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n\tb\r\n\r\n` },
  { why: 'the head has a folded line (obs-fold)', text: `CONNECT example.com:443 HTTP/1.1\r\n ${HOST}\r\n\r\n` },
  {
    why: 'the head has a field line without a colon',
    text: `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\nX\r\n\r\n`,
  },
  { why: 'the head has a field name that is not a token', text: `CONNECT a:443 HTTP/1.1\r\nHost : a\r\n\r\n` },
  { why: 'the head has a field name that is not a token', text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n: b\r\n\r\n` },
  {
    why: 'the head has a field name that is not a token',
    text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\nX\xe9: b\r\n\r\n`,
  },
  ...[
    'CONNECT example.com:443',
    'CONNECT  example.com:443 HTTP/1.1',
    'CONNECT example.com:443  HTTP/1.1',
    'CONNECT example.com:443 HTTP/1.1 ',
    'CONNECT exa mple.com:443 HTTP/1.1',
    'CONNECT',
    '',
  ].map((line) => ({
    why: 'the request line is not a method, a target and a version with one space between',
    text: `${line}\r\n${HOST}\r\n\r\n`,
  })),
  ...['\r\n\r\n', '\r\n\r\nCONNECT example.com:443 HTTP/1.1\r\n\r\n'].map((text) => ({
    why: 'the request line is not a method, a target and a version with one space between',
    text,
  })),
  { why: 'the method is not a token', text: ` example.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { why: 'the method is not a token', text: `CONN(ECT example.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  ...['\t'].map((character) => ({
    why: 'the target is empty or has characters that no URI has',
    text: `CONNECT exa${character}mple.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n`,
  })),
  { why: 'the target is empty or has characters that no URI has', text: `CONNECT  HTTP/1.1\r\n${HOST}\r\n\r\n` },
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.10', 'HTTP/1', 'http/1.1', 'HTTPS/1.1', '', 'HTTP/1.1\t'].map(
    (version) => ({
      why: 'the version is neither HTTP/1.1 nor HTTP/1.0',
      text: `CONNECT example.com:443 ${version}\r\n${HOST}\r\n\r\n`,
    }),
  ),
  { why: 'the version is neither HTTP/1.1 nor HTTP/1.0', text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
];

/** Each is a head that is well formed, and has a field in it that two readers could understand differently. */
export const DOUBTFUL_HEADS = [
  { why: 'the head has two Host fields', text: `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nhost: a:443\r\n\r\n` },
  { why: 'the head has two Host fields', text: `CONNECT a:443 HTTP/1.0\r\nHost: a:443\r\nHOST: b:443\r\n\r\n` },
  { why: 'the Host field is not a host', text: `CONNECT example.com:443 HTTP/1.1\r\nHost: a b\r\n\r\n` },
  { why: 'the Host field is not a host', text: `CONNECT example.com:443 HTTP/1.1\r\nHost: a/b\r\n\r\n` },
  { why: 'the Host field is not a host', text: `CONNECT example.com:443 HTTP/1.1\r\nHost: a@b\r\n\r\n` },
  {
    why: 'the head has two Proxy-Authorization fields',
    text: `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\nProxy-Authorization: Basic eA==\r\nproxy-authorization: Basic eA==\r\n\r\n`,
  },
];
