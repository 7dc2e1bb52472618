import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileNetworks } from '../src/networks.ts';
import { ip } from './literal.ts';

describe('compileNetworks', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0', true],
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '9.255.255.255', false],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.7/32', '192.0.2.7', true],
    ['192.0.2.9/24', '192.0.2.200', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '10.0.0.1', false],
    ['::/0', '2001:db8::1', true],
    ['2001:db8::/32', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8::1', '2001:db8::1', true],
    ['2001:db8::1', '2001:db8::2', false],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['any', '203.0.113.1', true],
    ['any', '2001:db8::1', true],
    ['loopback', '127.255.255.255', true],
    ['loopback', '128.0.0.0', false],
    ['loopback', '::1', true],
    ['loopback', '::2', false],
    ['private', '10.0.0.1', true],
    ['private', '172.15.255.255', false],
    ['private', '172.16.0.0', true],
    ['private', '172.31.255.255', true],
    ['private', '172.32.0.0', false],
    ['private', '192.168.255.255', true],
    ['private', 'fc00::1', true],
    ['private', 'fdff::1', true],
    ['private', 'fe00::1', false],
    ['private', '100.64.0.1', false],
    ['private', '127.0.0.1', false],
    ['link_local', '169.254.169.254', true],
    ['link_local', 'febf::1', true],
    ['link_local', 'fec0::1', false],
    ['special', '10.0.0.1', true],
    ['special', '8.8.8.8', false],
  ])('%s contains %s: %s', (network, address, isIn) => {
    expect(compileNetworks([network]).contains(ip(address))).toBe(isIn);
  });

  it('contains nothing when the list is empty', () => {
    const nothing = compileNetworks([]);
    expect(nothing.contains(ip('10.0.0.1'))).toBe(false);
    expect(nothing.contains(ip('::1'))).toBe(false);
  });

  it('takes text that is no network, or the name of a property of objects, for nothing', () => {
    const nothing = compileNetworks([
      'constructor',
      'x',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/08',
      '::/129',
      '1.2.3.4/8/8',
    ]);
    expect(nothing.bounds).toEqual([]);
  });

  it('says which listed network holds an address, the first of several', () => {
    const networks = compileNetworks(['192.0.2.0/24', 'private', '10.0.0.0/8']);
    expect(networks.find(ip('10.1.1.1'))).toBe('private');
    expect(networks.find(ip('192.0.2.1'))).toBe('192.0.2.0/24');
    expect(networks.find(ip('8.8.8.8'))).toBeUndefined();
  });

  it('agrees with the BlockList of node:net on random networks of both families', () => {
    const ipv4 = fc.nat(255).map((third) => `10.0.${third % 4}.${third}`);
    const ipv6 = fc.nat(0xfff).map((group) => `2001:db8:${(group % 8).toString(16)}::${group.toString(16)}`);
    const network = fc.oneof(
      fc.record({ family: fc.constant('ipv4' as const), address: ipv4, prefix: fc.integer({ min: 20, max: 32 }) }),
      fc.record({ family: fc.constant('ipv6' as const), address: ipv6, prefix: fc.integer({ min: 30, max: 128 }) }),
    );
    fc.assert(
      fc.property(fc.array(network, { maxLength: 40 }), fc.array(fc.oneof(ipv4, ipv6)), (networks, addresses) => {
        const theirs = new BlockList();
        for (const { address, prefix, family } of networks) theirs.addSubnet(address, prefix, family);
        const ours = compileNetworks(networks.map(({ address, prefix }) => `${address}/${prefix}`));
        for (const address of addresses) {
          const parsed = ip(address);
          expect(ours.contains(parsed)).toBe(theirs.check(address, parsed.family === 4 ? 'ipv4' : 'ipv6'));
        }
      }),
    );
  });

  it.each([
    [['10.0.0.0/8'], ['10.1.0.0/16'], true],
    [['10.1.0.0/16'], ['10.0.0.0/8'], false],
    [['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8'], true],
    [['any'], ['special', '2001:db8::/32'], true],
    [['0.0.0.0/0'], ['any'], false],
    [['special'], ['loopback', 'private', 'link_local'], true],
    [['special'], ['192.0.0.0/24'], false],
    [['private'], [], true],
    [[], ['10.0.0.1'], false],
  ])('%j covers %j: %s', (networks, others, isCovered) => {
    expect(compileNetworks(networks).covers(compileNetworks(others))).toBe(isCovered);
  });

  it.each([
    [['10.0.0.0/8'], ['10.1.0.0/16'], true],
    [['10.1.0.0/16'], ['10.0.0.0/8'], true],
    [['10.0.0.0/8'], ['11.0.0.0/8', '2001:db8::/32'], false],
    [['2001:db8::/48'], ['2001:db8:0:1::/64'], true],
    [['any'], [], false],
  ])('%j overlaps %j: %s', (networks, others, isMet) => {
    expect(compileNetworks(networks).overlaps(compileNetworks(others))).toBe(isMet);
  });
});
