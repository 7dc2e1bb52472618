import { describe, expect, it } from 'vitest';
import { mayBeKept, readHead, readRepeatedHead } from '../src/read-head.ts';

const CONNECT = 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n';
const bytesOf = (text: string) => Buffer.from(text, 'latin1');

describe('a head that was read before', () => {
  it.each([
    ['a CONNECT', `${CONNECT}\r\n`],
    ['a CONNECT and bytes behind it', `${CONNECT}\r\nearly`],
    ['half a head', CONNECT],
    ['another method', 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['a malformed head', 'CONNECT a.example:443 HTTP/1.1\nHost: a\r\n\r\n'],
    ['a destination that is none', 'CONNECT a.example:0 HTTP/1.1\r\n\r\n'],
    ['a long one', `${CONNECT}User-Agent: ${'x'.repeat(600)}\r\n\r\n`],
  ])('is read as the first time: %s', (_what, text) => {
    const bytes = bytesOf(text);
    const first = readHead(bytes, Infinity, 0);
    for (let times = 0; times < 3; times++) expect(readRepeatedHead(bytesOf(text))).toEqual(first);
  });

  it('is told from one that differs in a byte', () => {
    const read = (host: string) => readRepeatedHead(bytesOf(`CONNECT ${host}:443 HTTP/1.1\r\n\r\n`));
    for (let times = 0; times < 2; times++) {
      for (const host of ['aa.example', 'ab.example', 'ba.example'])
        expect(read(host)).toMatchObject({ asks: { destination: { host } } });
    }
  });

  it('does not change with the memory that it was read from', () => {
    const bytes = bytesOf('CONNECT one.example:443 HTTP/1.1\r\n\r\n');
    readRepeatedHead(bytes);
    bytes.write('two', 'CONNECT '.length);
    expect(readRepeatedHead(bytes)).toMatchObject({ asks: { destination: { host: 'two.example' } } });
  });
});

it.each([
  ['a CONNECT', `${CONNECT}User-Agent: curl/8.0\r\nProxy-Connection: Keep-Alive\r\n\r\n`, true],
  ['a password', `${CONNECT}Proxy-Authorization: Basic YTpi\r\n\r\n`, false],
  ['an unknown field', `${CONNECT}X-Token: t\r\n\r\n`, false],
  ['bytes behind the head', `${CONNECT}\r\nearly`, false],
  ['a request of plain HTTP', 'GET http://a.example/?token HTTP/1.1\r\nHost: a.example\r\n\r\n', false],
  ['what is malformed', 'CONNECT a.example HTTP/1.1\r\n\r\n', false],
])('whether %s may stay in memory', (_what, text, isKept) => {
  const bytes = bytesOf(text);
  expect(mayBeKept(readHead(bytes, Infinity, 0), bytes.length)).toBe(isKept);
});
