import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/proxy-header/crc32c.ts';
import { readProxyHeader } from '../../src/proxy-header/read.ts';
import { headerFor } from '../../src/proxy-header/write.ts';

const line = (text: string): Buffer => Buffer.from(text, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** 203.0.113.7:4660 to 192.0.2.1:443 */
const V4 = 'cb007107 c0000201 1234 01bb';
const V6 = `20010db8000000000000000000000007 20010db8000000000000000000000001 1234 01bb`;

/** @param command version and command, family and protocol */
function binary(command: string, body: string): Buffer {
  const rest = Buffer.from(body.replaceAll(' ', ''), 'hex');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(rest.length);
  return Buffer.concat([Buffer.from(SIGNATURE + command, 'hex'), length, rest]);
}

const clients = [
  ['PROXY TCP4 203.0.113.7 192.0.2.1 4660 443', line('PROXY TCP4 203.0.113.7 192.0.2.1 4660 443\r\n')],
  ['v2 over IPv4', binary('2111', V4)],
  ['v2 with a NOOP of no length', binary('2111', `${V4} 04 0000`)],
  ['v2 with ALPN and an unknown value', binary('2111', `${V4} 01 0002 6832 ea 0001 00`)],
] as const;

describe('a PROXY header that names the client', () => {
  it.each(clients)('%s', (_, header) => {
    expect(readProxyHeader(header)).toEqual({
      kind: 'client',
      headerBytes: header.length,
      remote: { host: '203.0.113.7', port: 4660 },
      local: { host: '192.0.2.1', port: 443 },
    });
  });

  it.each([
    ['v1', line('PROXY TCP6 2001:DB8::7 2001:db8:0::1 4660 443\r\n')],
    ['v2', binary('2121', V6)],
  ])('%s over IPv6, in canonical form', (_, header) => {
    expect(readProxyHeader(header)).toMatchObject({ remote: { host: '2001:db8::7' }, local: { host: '2001:db8::1' } });
  });

  it.each([
    ['v1', line('PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n')],
    ['v2', binary('2121', `00000000000000000000ffffcb007107 ${'0'.repeat(31)}1 0001 0002`)],
  ])('%s with an IPv4-mapped address: that is IPv4', (_, header) => {
    expect(readProxyHeader(header)).toMatchObject({ remote: { host: '203.0.113.7' }, local: { host: '::1' } });
  });

  it.each([0, 65_535])('with the port %d', (port) => {
    expect(readProxyHeader(line(`PROXY TCP4 192.0.2.1 192.0.2.2 ${port} 1\r\n`))).toMatchObject({ remote: { port } });
  });
});

describe('a PROXY header that names nobody', () => {
  it.each([
    ['UNKNOWN', line('PROXY UNKNOWN\r\n')],
    ['UNKNOWN with whatever behind it', line('PROXY UNKNOWN ffff::1 1.2.3.4 x\r\n')],
    ['LOCAL', binary('2000', '')],
    ['LOCAL that says addresses all the same', binary('2011', V4)],
    ['LOCAL with anything behind it, which is to be discarded (§2.2)', binary('2000', '03 0004 00000000 ff')],
    ['AF_UNSPEC', binary('2100', '')],
    ['AF_UNIX', binary('2131', '00'.repeat(216))],
    ['datagrams of AF_UNIX', binary('2132', `${'00'.repeat(216)} 04 0000`)],
    ['UDP over IPv4', binary('2112', `${V4} 04 0000`)],
    ['UDP over IPv6', binary('2122', V6)],
  ])('%s', (_, header) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'unnamed', headerBytes: header.length });
  });
});

describe('no PROXY header', () => {
  it.each([
    ['a request', line('CONNECT a:1 HTTP/1.1\r\n\r\n')],
    ['a ClientHello', Buffer.of(22, 3, 1, 0, 5)],
    ['lower case', line('proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['another protocol', line('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['IPv6 called TCP4', line('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['IPv4 called TCP6', line('PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['a legacy spelling', line('PROXY TCP4 127.1 192.0.2.2 1 2\r\n')],
    ['a name', line('PROXY TCP4 localhost 192.0.2.2 1 2\r\n')],
    ['a port with a leading zero', line('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
    ['a port of 65536', line('PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n')],
    ['a port too few', line('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n')],
    ['a word too many', line('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
    ['two spaces', line('PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n')],
    ['a line without end', line(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
    ['version 1 in binary', binary('1111', V4)],
    ['an unknown command', binary('2211', V4)],
    ['UDP with addresses cut short', binary('2112', V4.slice(0, -2))],
    ['TCP over no family', binary('2101', '00000000')],
    ['an unknown family', binary('2141', V4)],
    ['addresses cut short', binary('2111', V4.slice(0, -2))],
    ['a value that does not fit', binary('2111', `${V4} 01 0003 6832`)],
    ['half a value', binary('2111', `${V4} 01 00`)],
    ['a checksum of three bytes', binary('2111', `${V4} 03 0003 000000`)],
    ['a wrong checksum', binary('2111', `${V4} 03 0004 00000000`)],
  ])('%s', (_, header) => {
    expect(readProxyHeader(header)).toMatchObject({ kind: 'malformed' });
  });
});

it('a checksum that is right passes, and a second one does not', () => {
  const header = binary('2111', `${V4} 03 0004 00000000`);
  header.writeUInt32BE(crc32c(header), header.length - 4);
  expect(readProxyHeader(header)).toMatchObject({ kind: 'client' });
  expect(readProxyHeader(binary('2111', `${V4} 03 0004 00000000 03 0004 00000000`))).toMatchObject({
    kind: 'malformed',
  });
});

it('crc32c is that of RFC 3720, appendix B.4', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
});

describe('whatever is written', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const ends = fc.oneof(
    fc.record({ remote: fc.record({ host: fc.ipV4(), port }), local: fc.record({ host: fc.ipV4(), port }) }),
    fc.constant({ remote: { host: '2001:db8::1', port: 1 }, local: { host: 'fe80::2', port: 2 } }),
  );

  it('is read back, at any cut asks for more, and whatever follows is no part of it', () => {
    fc.assert(
      fc.property(ends, fc.constantFrom('v1', 'v2'), fc.uint8Array({ maxLength: 40 }), (client, version, behind) => {
        const header = headerFor(client, version);
        const whole = { kind: 'client', headerBytes: header.length, ...client };
        expect(readProxyHeader(Buffer.concat([header, behind]))).toEqual(whole);
        for (let length = 0; length < header.length; length++) {
          const found = readProxyHeader(header.subarray(0, length));
          expect(found.kind).toBe('need-more');
          if (found.kind === 'need-more') expect(found.atLeastBytes).toBeGreaterThan(length);
        }
      }),
    );
  });
});
