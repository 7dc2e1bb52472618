/** Request heads for the tests, one field line an entry. */

/** A head as bytes, every line ended with CRLF and an empty one behind; a character is a byte. */
export function encodeHead(requestLine: string, ...fieldLines: string[]): Buffer {
  return Buffer.from([requestLine, ...fieldLines, '', ''].join('\r\n'), 'latin1');
}

/** Any text as bytes, a character a byte. */
export function encodeText(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export const HOST = 'Host: example.com:443';

/** Each is one defect away from a CONNECT that is answered with 200; what else is malformed is the parser's own test. */
export const MALFORMED_HEADS = [
  { why: 'the head has a bare LF', text: `CONNECT example.com:443 HTTP/1.1\n${HOST}\n\n` },
  { why: 'the head has a control character', text: `CONNECT example.com\0:443 HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { why: 'the head has two Host fields', text: `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nhost: a:443\r\n\r\n` },
  { why: 'the version is neither HTTP/1.1 nor HTTP/1.0', text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
];
