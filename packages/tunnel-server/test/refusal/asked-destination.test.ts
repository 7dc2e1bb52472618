import { describe, expect, it } from 'vitest';
import { askedDestination } from '../../src/refusal/asked-destination.ts';

function asked(request: string, isToProxy = true): string | undefined {
  const destination = askedDestination(Buffer.from(request, 'latin1'), isToProxy);
  return destination && `${destination.host}:${destination.port}`;
}

describe('the destination of a request that is not parsed', () => {
  it.each([
    { what: 'a whole CONNECT', request: 'CONNECT A.test.:443 HTTP/1.1\r\nHost: b.test\r\n\r\n', names: 'a.test:443' },
    { what: 'one that has not ended', request: 'CONNECT a.test:443 HT', names: 'a.test:443' },
    { what: 'one behind an empty line', request: '\r\nCONNECT a.test:443 HTTP/1.1\r\n', names: 'a.test:443' },
    { what: 'lines that end in LF alone', request: 'CONNECT a.test:443 HTTP/1.1\n\n', names: 'a.test:443' },
    { what: 'the beginning of a long target', request: `GET http://a.test:81/${'x'.repeat(9000)}`, names: 'a.test:81' },
    { what: 'a malformed field', request: 'CONNECT [::1]:8443 HTTP/1.1\r\nHost : x\r\n\r\n', names: '::1:8443' },
    {
      what: 'absolute-form',
      request: 'GET http://a.test:8080/x HTTP/1.1\r\nHost: b.test\r\n\r\n',
      names: 'a.test:8080',
    },
  ])('is read from $what', ({ request, names }) => {
    expect(asked(request)).toBe(names);
    expect(asked(request, false)).toBe(names);
  });

  it.each([
    { what: 'a target that may go on', request: 'CONNECT a.test:44' },
    { what: 'a target that is none', request: 'CONNECT a.test HTTP/1.1\r\nHost: a.test:443\r\n\r\n' },
    { what: 'a target with a space in it', request: 'CONNECT a.test:4 43 HTTP/1.1\r\n\r\n' },
    { what: 'an absolute target whose host may go on', request: 'GET http://a.test:8' },
    { what: 'a method alone', request: 'CONNECT ' },
    { what: 'nothing', request: '' },
    { what: 'other bytes', request: '\x16\x03\x01\0\0' },
  ])('is not read from $what', ({ request }) => {
    expect(asked(request)).toBeUndefined();
    expect(asked(request, false)).toBeUndefined();
  });

  it('is the Host of a client that uses no proxy, and of no other', () => {
    const request = 'GET /x HTTP/1.1\r\nAccept: */*\r\nhost:\ta.test:8080 \r\n\r\n';
    expect(asked(request, false)).toBe('a.test:8080');
    expect(asked(request)).toBeUndefined();
  });

  it.each([
    { what: 'two of them', lines: 'Host: a.test\r\nHost: a.test\r\n\r\n' },
    { what: 'one that may go on', lines: 'Host: a.tes' },
    { what: 'one behind the head', lines: '\r\nHost: a.test\r\n\r\n' },
    { what: 'none', lines: 'X-Host: a.test\r\n\r\n' },
  ])('is not read where the Host is $what', ({ lines }) => {
    expect(asked(`GET / HTTP/1.1\r\n${lines}`, false)).toBeUndefined();
  });
});
