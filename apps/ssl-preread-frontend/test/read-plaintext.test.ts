import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPlaintextScan } from '../src/read-plaintext.ts';
import { join } from './hello-fixtures.ts';

const scan = (text: string) => createPlaintextScan()(join(text)).kind;

describe('plain HTTP', () => {
  it.each([
    'GET / HTTP/1.1\r\n',
    'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n',
    'HEAD / HTTP/1.1\n',
    'GET http://a.example/ HTTP/1.1\r\n',
    'OPTIONS * HTTP/1.1\r\n',
    'M-SEARCH * HTTP/1.1\r\n',
    'UPDATEREDIRECTREF /x HTTP/1.1\r\n',
    'RPC_IN_DATA /x HTTP/1.1\r\n',
    'get / HTTP/1.1\r\n',
    '\r\nGET / HTTP/1.1\r\n',
    'GET  / HTTP/1.1\r\n',
    'GET /a b HTTP/1.1\r\n',
  ])('is recognised by its request line: %j', (text) => {
    expect(scan(text)).toBe('http');
  });

  it.each(['GET /index.html', 'get /', 'get http://a.example/'])(
    'is not certain before its line has ended: %j',
    (line) => {
      const text = `${line} HTTP/1.1\r\n`;
      const search = createPlaintextScan();
      for (let length = 1; length < text.length; length += 1) {
        const needMore = { kind: 'need-more', atLeastBytes: length + 1 };
        expect(search(join(text.slice(0, length))), text.slice(0, length)).toEqual(needMore);
      }
      expect(search(join(text))).toEqual({ kind: 'http' });
    },
  );
});

describe('CONNECT', () => {
  it('is recognised by its first word and the space behind it', () => {
    expect(scan('CONNECT ')).toBe('connect');
    expect(scan('CONNECT a.example:443 HTTP/1.1\r\n\r\n')).toBe('connect');
  });

  it.each(['C', 'CONN', 'CONNECT'])('is not certain at %j', (text) => {
    expect(scan(text)).toBe('need-more');
  });

  it('is not what only begins with the same letters', () => {
    expect(scan('CONNECTED ')).toBe('need-more');
    expect(scan('CONNECT\n')).toBe('other'); // STOMP
  });
});

it.each([
  ['(', 'what is in no method'],
  [' ', 'no method at all'],
  ['\r\n\r\nGET / HTTP/1.1\r\n', 'two empty lines'],
  ['SSH-2.0-OpenSSH_9.9\r\n', 'SSH'],
  ['hello world', 'a text without end'],
  ['hello world HTTP/1.1\r\n', 'the same, whatever its line ends in'],
  ['get hta', 'a text that goes on with no target'],
  ['PING\r\n', 'Redis'],
  ['EHLO a.example\r\n', 'SMTP'],
  ['OPTIONS * RTSP/1.0\r\n', 'RTSP'],
  ['REGISTER sip:a.example SIP/2.0\r\n', 'SIP'],
  ['PRI * HTTP/2.0\r\n\r\n', 'HTTP/2, which has no 421 in clear text'],
  ['GET /\r\n', 'HTTP/0.9'],
  ['GET / HTTP/1.1 \r\n', 'a request line with a space too many'],
  ['A'.repeat(25), 'a word too long for a method'],
  ['\x15\x03\x01\x00\x02\x02\x28', 'a TLS alert'],
  ['\0', 'a NUL'],
])('takes %j for neither: %s', (text) => {
  expect(scan(text)).toBe('other');
});

it('is the same, however it is cut', () => {
  const oneOf = (...words: readonly string[]) => fc.constantFrom(...words);
  const line = fc.tuple(
    oneOf('', '\r\n', ' '),
    oneOf('GET', 'get', 'Get', 'CONNECT', 'connect', 'hello', 'A'.repeat(24)),
    oneOf(' ', '  ', '\t', '\r\n'),
    oneOf('/', '*', 'http://a.example/', 'HTTP:', 'world', ''),
    oneOf(' HTTP/1.1', ' HTTP/1.0', ' RTSP/1.0', ''),
    oneOf('\r\n', '\n', '', ' \r\n'),
  );
  fc.assert(
    fc.property(line, (parts) => {
      const text = parts.join('');
      const search = createPlaintextScan();
      let kind = 'need-more';
      for (let length = 1; length <= text.length && kind === 'need-more'; length += 1)
        kind = search(join(text.slice(0, length))).kind;
      expect(scan(text)).toBe(kind);
    }),
    { numRuns: 1000 },
  );
});

it.each(['\x05\x01\0', '\x04\x01', '\x05'])('recognises SOCKS by its first byte: %j', (text) => {
  expect(scan(text)).toBe('socks');
});
