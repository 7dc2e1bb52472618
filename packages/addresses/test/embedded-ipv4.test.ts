import { describe, expect, it } from 'vitest';
import { embeddedIpv4 } from '../src/embedded-ipv4.ts';
import { parseIp } from '../src/ip.ts';
import { ip } from './literal.ts';

describe('embeddedIpv4', () => {
  it.each([
    ['64:ff9b::10.0.0.5', 'NAT64', '10.0.0.5'],
    ['64:ff9b::7f00:1', 'NAT64', '127.0.0.1'],
    ['64:ff9b:1::10.0.0.5', 'local-use NAT64', '10.0.0.5'],
    ['64:ff9b:1:abcd::192.168.1.1', 'local-use NAT64', '192.168.1.1'],
    ['2002:0a00:0005::1', '6to4', '10.0.0.5'],
    ['2002:c0a8:ffff:1:2:3:4:5', '6to4', '192.168.255.255'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo', '192.0.2.45'],
    ['2001::80ff:fffe', 'Teredo', '127.0.0.1'],
    ['fe80::5efe:10.0.0.5', 'ISATAP', '10.0.0.5'],
    ['2606:4700:1:2:0:5efe:127.0.0.1', 'ISATAP', '127.0.0.1'],
    ['2606:4700:1:2:200:5efe:127.0.0.1', 'ISATAP', '127.0.0.1'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated', '127.0.0.1'],
    ['::127.0.0.1', 'IPv4-compatible', '127.0.0.1'],
    ['::2', 'IPv4-compatible', '0.0.0.2'],
  ])('finds in %s the %s form of %s', (text, form, inside) => {
    const found = embeddedIpv4(ip(text));
    expect(found?.form).toBe(form);
    expect(found?.ip).toEqual(parseIp(inside));
  });

  it.each(['::', '::1', '10.0.0.5', '::ffff:10.0.0.5', '64:ff9b:2::a00:5', '64:ff9c::a00:5', '64:ff9b:0:1::a00:5'])(
    'finds nothing in %s',
    (text) => {
      expect(embeddedIpv4(ip(text))).toBeUndefined();
    },
  );

  it.each(['2003:a00:5::1', '2001:1::1', '2001:db8::5efe', '2606:4700:1:2:100:5efe:a00:5', '::1:0:0:0'])(
    'finds nothing in %s, which only looks alike',
    (text) => {
      expect(embeddedIpv4(ip(text))).toBeUndefined();
    },
  );

  it('calls only the well-known NAT64 prefix the same address', () => {
    expect(embeddedIpv4(ip('64:ff9b::8.8.8.8'))?.isSameAddress).toBe(true);
    expect(embeddedIpv4(ip('64:ff9b:1::8.8.8.8'))?.isSameAddress).toBe(false);
    expect(embeddedIpv4(ip('2606:4700::5efe:8.8.8.8'))?.isSameAddress).toBe(false);
  });
});
