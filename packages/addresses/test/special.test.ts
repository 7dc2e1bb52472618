import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipFromWords } from '../src/ip.ts';
import { compileNetworks } from '../src/networks.ts';
import { specialPurposeOf } from '../src/special.ts';
import { ip } from './literal.ts';

const SPECIAL = compileNetworks(['special']);

/**
 * First and last address of each block, its name and its document: the registries once more, read independently of the
 * table.
 */
const blocks = [
  ['0.0.0.0', '0.255.255.255', 'this network', 'RFC 791'],
  ['10.0.0.0', '10.255.255.255', 'private use', 'RFC 1918'],
  ['100.64.0.0', '100.127.255.255', 'shared address space', 'RFC 6598'],
  ['127.0.0.0', '127.255.255.255', 'loopback', 'RFC 1122'],
  ['169.254.0.0', '169.254.255.255', 'link local', 'RFC 3927'],
  ['172.16.0.0', '172.31.255.255', 'private use', 'RFC 1918'],
  ['192.0.0.0', '192.0.0.7', 'IPv4 service continuity', 'RFC 7335'],
  ['192.0.0.8', '192.0.0.8', 'IPv4 dummy address', 'RFC 7600'],
  ['192.0.0.11', '192.0.0.169', 'IETF protocol assignments', 'RFC 6890'],
  ['192.0.0.170', '192.0.0.171', 'NAT64 discovery', 'RFC 7050'],
  ['192.0.0.172', '192.0.0.255', 'IETF protocol assignments', 'RFC 6890'],
  ['192.0.2.0', '192.0.2.255', 'documentation', 'RFC 5737'],
  ['192.88.99.0', '192.88.99.255', '6to4 relay anycast, deprecated', 'RFC 7526'],
  ['192.168.0.0', '192.168.255.255', 'private use', 'RFC 1918'],
  ['198.18.0.0', '198.19.255.255', 'benchmarking', 'RFC 2544'],
  ['198.51.100.0', '198.51.100.255', 'documentation', 'RFC 5737'],
  ['203.0.113.0', '203.0.113.255', 'documentation', 'RFC 5737'],
  ['224.0.0.0', '239.255.255.255', 'multicast', 'RFC 5771'],
  ['240.0.0.0', '255.255.255.254', 'reserved', 'RFC 1112'],
  ['255.255.255.255', '255.255.255.255', 'limited broadcast', 'RFC 919'],
  ['::', '::', 'unspecified', 'RFC 4291'],
  ['::1', '::1', 'loopback', 'RFC 4291'],
  ['::2', '::ffff:ffff', 'IPv4-compatible, deprecated', 'RFC 4291'],
  ['::1:0:0', '::fffe:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['::ffff:0:0:0', '::ffff:0:ffff:ffff', 'IPv4-translated, obsolete', 'RFC 2765'],
  ['::ffff:1:0:0', '64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['64:ff9b::1:0:0', '64:ff9b:0:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'local-use NAT64', 'RFC 8215'],
  ['64:ff9b:2::', 'ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'discard only', 'RFC 6666'],
  ['100:0:0:1::', '100::1:ffff:ffff:ffff:ffff', 'dummy prefix', 'RFC 9780'],
  ['100:0:0:2::', '1ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['200::', '3ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF, once NSAP', 'RFC 4048'],
  ['400::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'Teredo', 'RFC 4380'],
  ['2001:1::', '2001:1::', 'IETF protocol assignments', 'RFC 2928'],
  ['2001:1::4', '2001:1:ffff:ffff:ffff:ffff:ffff:ffff', 'IETF protocol assignments', 'RFC 2928'],
  ['2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', 'benchmarking', 'RFC 5180'],
  ['2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', 'ORCHID, deprecated', 'RFC 4843'],
  ['2001:40::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'IETF protocol assignments', 'RFC 2928'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'documentation', 'RFC 3849'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '6to4', 'RFC 3056'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'documentation', 'RFC 9637'],
  ['4000::', '5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'segment routing', 'RFC 9602'],
  ['5f01::', 'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique local', 'RFC 4193'],
  ['fe00::', 'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved by IETF', 'RFC 4291'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link local', 'RFC 4291'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'site local, deprecated', 'RFC 3879'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast', 'RFC 4291'],
] as const;

const publicAddresses = [
  ['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255', '192.0.0.9', '192.0.0.10'],
  ['192.0.1.0', '192.0.1.255', '192.0.3.0', '192.88.98.255', '192.88.100.0', '192.167.255.255', '192.169.0.0'],
  ['192.31.196.1', '192.52.193.1', '192.175.48.1', '198.17.255.255', '198.20.0.0', '198.51.99.255', '198.51.101.0'],
  ['203.0.112.255', '203.0.114.0', '223.255.255.255', '8.8.8.8', '1.1.1.1'],
  ['64:ff9b::', '64:ff9b::808:808', '64:ff9b::ffff:ffff', '2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:1::1', '2001:1::2', '2001:1::3', '2001:3::1', '2001:4:112::1', '2001:20::1', '2001:2f:ffff::', '2001:30::1'],
  [
    '2001:200::',
    '2001:db7:ffff::',
    '2001:db9::',
    '2001:4860:4860::8888',
    '2003::',
    '2606:4700::1111',
    '2620:4f:8000::1',
  ],
  ['3ffe:ffff::', '3fff:1000::'],
].flat();

describe('special', () => {
  it.each(blocks)('holds %s to %s: %s (%s)', (first, last, name, source) => {
    for (const address of [ip(first), ip(last)]) {
      expect(SPECIAL.contains(address)).toBe(true);
      expect(specialPurposeOf(address)).toMatchObject({ name, source });
    }
  });

  it.each(publicAddresses)('does not hold %s', (address) => {
    expect(SPECIAL.contains(ip(address))).toBe(false);
    expect(specialPurposeOf(ip(address))).toBeUndefined();
  });

  it('holds every IPv6 address outside of 2000::/3, but for NAT64 of the well-known prefix (RFC 4291 §4)', () => {
    const word = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(fc.tuple(word, word, word, word).map(ipFromWords), (address) => {
        fc.pre(address.family === 6 && (address.words[0] ?? 0) >>> 29 !== 1 && !address.text.startsWith('64:ff9b::'));
        expect(SPECIAL.contains(address)).toBe(true);
      }),
    );
  });

  it('says why of exactly the addresses it holds', () => {
    const word = fc.nat(0xffff_ffff);
    const nearBlock = fc.constantFrom(...blocks).chain(([first]) =>
      fc.integer({ min: -2, max: 2 }).map((step) => {
        const words = [...ip(first).words];
        const last = words.pop() ?? 0;
        return ipFromWords([...words, Math.min(0xffff_ffff, Math.max(0, last + step))]);
      }),
    );
    const anywhere = fc.oneof(fc.tuple(word), fc.tuple(word, word, word, word)).map(ipFromWords);
    fc.assert(
      fc.property(fc.oneof(nearBlock, anywhere), (address) => {
        expect(specialPurposeOf(address) !== undefined).toBe(SPECIAL.contains(address));
      }),
      { numRuns: 2_000 },
    );
  });
});
