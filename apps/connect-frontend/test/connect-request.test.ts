import { describe, expect, it } from 'vitest';
import { parseConnectRequest, type ConnectRequest } from '../src/connect-request.ts';
import { parseRequestHead } from '@sallyport/tunnel-server';
import { encodeHead } from './heads.ts';

describe('parseConnectRequest', () => {
  it.each([
    { target: 'example.com:443', host: 'example.com', port: 443 },
    { target: 'EXAMPLE.com.:443', host: 'example.com', port: 443 },
    { target: '1password.com:443', host: '1password.com', port: 443 },
    { target: '_x.example.com:8443', host: '_x.example.com', port: 8443 },
    { target: 'example.com:007', host: 'example.com', port: 7 },
  ])('reads $target as the name $host', ({ target, host, port }) => {
    expect(parseTarget(target)).toEqual({ kind: 'connect', destination: { kind: 'name', host, port } });
  });

  it.each([
    { target: '192.0.2.1:443', host: '192.0.2.1' },
    { target: '[2001:DB8:0::1]:443', host: '2001:db8::1' },
    { target: '[::ffff:192.0.2.1]:443', host: '192.0.2.1' },
  ])('reads $target as the address $host', ({ target, host }) => {
    expect(parseTarget(target)).toMatchObject({ kind: 'connect', destination: { kind: 'address', host, port: 443 } });
  });

  it.each([
    ...['example.com', 'example.com:', ':443', ':', 'example.com:65536', 'example.com:0', 'example.com:+443'],
    ...['h:443/', 'h:443?x', 'h:443#x', 'u:p@h:443', 'http://h:443', '*', '/', '::1:443', '::'],
    ...[
      '[example.com]:443',
      '[[x]]:443',
      '[[::1]]:443',
      '[1.2.3.4]:443',
      '[]:443',
      '[::1%lo]:443',
      '[fe80::1%25eth0]:443',
    ],
    ...['127.1:443', '0x7f.1:443', '2130706433:443', '0177.0.0.1:443', '017700000001:443', '127.0.0.01:443', '0:443'],
    ...['example.com..:443', '.:443', '.example.com:443', 'x..y:443', '%61.example:443', 'a,b:443', 'a\\b:443'],
    ...[`${'a'.repeat(64)}.example:443`, `${'a.'.repeat(127)}com:443`, 'xn--a.example:443'],
  ])('refuses the target %s', (target) => {
    expect(parseTarget(target).kind).toBe('malformed');
  });

  it.each([
    { field: 'Transfer-Encoding: chunked', why: 'a CONNECT has no Transfer-Encoding' },
    { field: 'Transfer-Encoding: identity', why: 'a CONNECT has no Transfer-Encoding' },
    { field: 'Transfer-Encoding:', why: 'a CONNECT has no Transfer-Encoding' },
    { field: 'Content-Length: 5', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length:', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length: -0', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length: 0, 0', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length: 0\r\nContent-Length: 0', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length: 0\r\nContent-Length: 5', why: 'a CONNECT has no Content-Length other than 0' },
    { field: 'Content-Length: 0\r\nTransfer-Encoding: chunked', why: 'a CONNECT has no Transfer-Encoding' },
  ])('refuses $field', ({ field, why }) => {
    expect(parseTarget('example.com:443', field)).toEqual({ kind: 'malformed', why });
  });

  it('takes a single Content-Length of 0 for none', () => {
    expect(parseTarget('example.com:443', 'Content-Length: 0').kind).toBe('connect');
  });

  it.each(['GET http://example.com/', 'GET /', 'OPTIONS *', 'POST http://example.com/', 'connect example.com:443'])(
    'takes %s for another method',
    (start) => {
      const bytes = encodeHead(`${start} HTTP/1.1`, 'Host: example.com', 'Content-Length: 5');
      expect(parseConnect(bytes)).toEqual({ kind: 'other-method' });
    },
  );
});

function parseTarget(target: string, ...fieldLines: string[]): ConnectRequest {
  return parseConnect(encodeHead(`CONNECT ${target} HTTP/1.1`, 'Host: example.com', ...fieldLines));
}

function parseConnect(bytes: Uint8Array): ConnectRequest {
  const result = parseRequestHead(bytes, 4_096);
  if (result.kind !== 'head') throw new Error(`no head to judge: ${JSON.stringify(result)}`);
  return parseConnectRequest(result.head);
}
