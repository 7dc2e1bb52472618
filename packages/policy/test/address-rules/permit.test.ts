import { describe, expect, it } from 'vitest';
import { compileDestinations, judgeAddress } from '../../src/address-rules/permit.ts';
import { ip } from '../../../addresses/test/literal.ts';

const byDefault = compileDestinations({ deny: ['special'], allow: [] });

describe('judgeAddress by default', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.217.0.1',
    '2606:4700::1111',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '100.128.0.1',
  ])('permits the public %s', (text) => {
    expect(judgeAddress(ip(text), byDefault)).toEqual({ kind: 'permitted' });
  });

  it.each([
    ['10.0.0.5', '10.0.0.5 is special: private use (RFC 1918)'],
    ['127.0.0.1', '127.0.0.1 is special: loopback (RFC 1122)'],
    ['0.0.0.0', '0.0.0.0 is special: this network (RFC 791)'],
    ['169.254.169.254', '169.254.169.254 is special: link local (RFC 3927)'],
    ['100.63.255.255', undefined],
    ['100.64.0.0', '100.64.0.0 is special: shared address space (RFC 6598)'],
    ['::ffff:127.0.0.1', '127.0.0.1 is special: loopback (RFC 1122)'],
    ['::1', '::1 is special: loopback (RFC 4291)'],
    ['ff02:0:0:0:0:0:0:2', 'ff02::2 is special: multicast (RFC 4291)'],
    ['64:ff9b::7f00:1', '64:ff9b::7f00:1 is the NAT64 form of 127.0.0.1, which is special: loopback (RFC 1122)'],
    ['64:ff9b:1::808:808', '64:ff9b:1::808:808 is special: local-use NAT64 (RFC 8215)'],
    ['2002:7f00:1::', '2002:7f00:1:: is special: 6to4 (RFC 3056)'],
    ['2001::80ff:fffe', '2001::80ff:fffe is special: Teredo (RFC 4380)'],
    ['::127.0.0.1', '::7f00:1 is special: IPv4-compatible, deprecated (RFC 4291)'],
    ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1 is special: IPv4-translated, obsolete (RFC 2765)'],
    [
      '2606:4700::5efe:10.0.0.5',
      '2606:4700::5efe:a00:5 is the ISATAP form of 10.0.0.5, which is special: private use (RFC 1918)',
    ],
  ])('says of %s: %s', (text, why) => {
    expect(judgeAddress(ip(text), byDefault)).toEqual(
      why === undefined ? { kind: 'permitted' } : { kind: 'refused', why },
    );
  });
});

describe('judgeAddress with lists', () => {
  const rules = compileDestinations({
    deny: ['special', '1.1.1.1/32'],
    allow: ['8.8.9.0/24', '10.0.1.0/24', '172.16.1.0/24', '192.168.1.0/24', '127.0.1.0/24', '2002::/16'],
  });

  it.each([
    ['8.8.8.8', 'permitted'],
    ['8.8.9.8', 'permitted'],
    ['10.0.0.1', 'refused'],
    ['10.0.1.1', 'permitted'],
    ['172.16.0.1', 'refused'],
    ['172.16.1.1', 'permitted'],
    ['192.168.0.1', 'refused'],
    ['192.168.1.1', 'permitted'],
    ['1.1.1.1', 'refused'],
    ['127.0.0.1', 'refused'],
    ['127.255.255.255', 'refused'],
    ['127.0.1.1', 'permitted'],
    ['169.254.169.254', 'refused'],
    ['255.255.255.255', 'refused'],
  ])('judges %s: %s', (text, kind) => {
    expect(judgeAddress(ip(text), rules).kind).toBe(kind);
  });

  it.each([
    ['64:ff9b::1.1.1.1', 'refused', 'NAT64 of a denied address is that address'],
    ['64:ff9b::10.0.1.1', 'permitted', 'NAT64 of an excepted address is that address'],
    ['64:ff9b::10.0.2.1', 'refused', 'NAT64 of a special address is that address'],
    ['2002:808:808::1', 'permitted', '6to4 is excepted here, and what is inside is public'],
    ['2002:a00:1::1', 'refused', 'an exception for 6to4 is none for 10.0.0.1'],
    ['64:ff9b:1::10.0.1.1', 'refused', 'an exception for 10.0.1.1 is none for the local-use NAT64 prefix'],
    ['2606:4700::5efe:10.0.1.1', 'permitted', 'neither the public address nor what is inside is denied'],
  ])('judges %s in both shapes: %s, for %s', (text, kind) => {
    expect(judgeAddress(ip(text), rules).kind).toBe(kind);
  });

  it('names the listed network that refuses', () => {
    expect(judgeAddress(ip('1.1.1.1'), rules)).toEqual({
      kind: 'refused',
      why: '1.1.1.1 is in 1.1.1.1/32, which policy.destinations.deny lists',
    });
  });

  it('permits everything when nothing is denied', () => {
    const open = compileDestinations({ deny: [], allow: [] });
    expect(judgeAddress(ip('127.0.0.1'), open).kind).toBe('permitted');
  });
});
