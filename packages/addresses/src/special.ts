/** The set `special`: every address that IANA does not list as globally reachable, and why. */
import type { Ip } from './ip.ts';
import { cutHole, type IpRange, mergeRanges, parseCidr, rangeHolds } from './ranges.ts';

/** The purpose of a block of addresses, and the document that defines it. */
export interface SpecialPurpose {
  readonly name: string;
  readonly source: string;
}

/** Why the address is special, or undefined where it is public. An IPv4 address inside an IPv6 one is ignored here. */
export function specialPurposeOf(ip: Ip): SpecialPurpose | undefined {
  const block = BLOCKS_NARROWEST_FIRST.find(({ range }) => rangeHolds(range, ip));
  return block?.isReachable === false ? block : undefined;
}

/** The addresses of the set, without the globally reachable blocks inside it. */
export function specialRanges(): readonly IpRange[] {
  return BLOCKS_NARROWEST_FIRST.toReversed().reduce<readonly IpRange[]>(
    (ranges, { range, isReachable }) => (isReachable ? cutHole(ranges, range) : mergeRanges([...ranges, range])),
    [],
  );
}

type Row = readonly [network: string, name: string, source: string];

/**
 * The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) where "Globally Reachable" is not True, and what those
 * leave to other registries: multicast, site-local, IPv4 in IPv6. Blocks for which the registry says N/A (6to4, Teredo and the 6to4
 * relays) are special: all of them lead to an IPv4 address that was not checked.
 *
 * The "reserved by IETF" rows are those of the IANA Internet Protocol Version 6 Address Space registry. All but 2000::/3 is reserved (RFC
 * 4291 §4), and is used, if at all, in private networks.
 */
const NOT_REACHABLE: readonly Row[] = [
  ['0.0.0.0/8', 'this network', 'RFC 791'],
  ['10.0.0.0/8', 'private use', 'RFC 1918'],
  ['100.64.0.0/10', 'shared address space', 'RFC 6598'],
  ['127.0.0.0/8', 'loopback', 'RFC 1122'],
  ['169.254.0.0/16', 'link local', 'RFC 3927'],
  ['172.16.0.0/12', 'private use', 'RFC 1918'],
  ['192.0.0.0/24', 'IETF protocol assignments', 'RFC 6890'],
  ['192.0.0.0/29', 'IPv4 service continuity', 'RFC 7335'],
  ['192.0.0.8/32', 'IPv4 dummy address', 'RFC 7600'],
  ['192.0.0.170/31', 'NAT64 discovery', 'RFC 7050'],
  ['192.0.2.0/24', 'documentation', 'RFC 5737'],
  ['192.88.99.0/24', '6to4 relay anycast, deprecated', 'RFC 7526'],
  ['192.168.0.0/16', 'private use', 'RFC 1918'],
  ['198.18.0.0/15', 'benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', 'RFC 5771'],
  ['240.0.0.0/4', 'reserved', 'RFC 1112'],
  ['255.255.255.255/32', 'limited broadcast', 'RFC 919'],
  ['::/8', 'reserved by IETF', 'RFC 4291'],
  ['::/96', 'IPv4-compatible, deprecated', 'RFC 4291'],
  ['::/128', 'unspecified', 'RFC 4291'],
  ['::1/128', 'loopback', 'RFC 4291'],
  ['::ffff:0:0:0/96', 'IPv4-translated, obsolete', 'RFC 2765'],
  ['64:ff9b:1::/48', 'local-use NAT64', 'RFC 8215'],
  ['100::/8', 'reserved by IETF', 'RFC 4291'],
  ['100::/64', 'discard only', 'RFC 6666'],
  ['100:0:0:1::/64', 'dummy prefix', 'RFC 9780'],
  ['200::/7', 'reserved by IETF, once NSAP', 'RFC 4048'],
  ['400::/6', 'reserved by IETF', 'RFC 4291'],
  ['800::/5', 'reserved by IETF', 'RFC 4291'],
  ['1000::/4', 'reserved by IETF', 'RFC 4291'],
  ['2001::/23', 'IETF protocol assignments', 'RFC 2928'],
  ['2001::/32', 'Teredo', 'RFC 4380'],
  ['2001:2::/48', 'benchmarking', 'RFC 5180'],
  ['2001:10::/28', 'ORCHID, deprecated', 'RFC 4843'],
  ['2001:db8::/32', 'documentation', 'RFC 3849'],
  ['2002::/16', '6to4', 'RFC 3056'],
  ['3fff::/20', 'documentation', 'RFC 9637'],
  ['4000::/3', 'reserved by IETF', 'RFC 4291'],
  ['5f00::/16', 'segment routing', 'RFC 9602'],
  ['6000::/3', 'reserved by IETF', 'RFC 4291'],
  ['8000::/3', 'reserved by IETF', 'RFC 4291'],
  ['a000::/3', 'reserved by IETF', 'RFC 4291'],
  ['c000::/3', 'reserved by IETF', 'RFC 4291'],
  ['e000::/4', 'reserved by IETF', 'RFC 4291'],
  ['f000::/5', 'reserved by IETF', 'RFC 4291'],
  ['f800::/6', 'reserved by IETF', 'RFC 4291'],
  ['fc00::/7', 'unique local', 'RFC 4193'],
  ['fe00::/9', 'reserved by IETF', 'RFC 4291'],
  ['fe80::/10', 'link local', 'RFC 4291'],
  ['fec0::/10', 'site local, deprecated', 'RFC 3879'],
  ['ff00::/8', 'multicast', 'RFC 4291'],
];

/** Globally reachable blocks inside the ones above. */
const REACHABLE: readonly Row[] = [
  ['192.0.0.9/32', 'Port Control Protocol anycast', 'RFC 7723'],
  ['192.0.0.10/32', 'TURN anycast', 'RFC 8155'],
  ['64:ff9b::/96', 'NAT64', 'RFC 6052'],
  ['2001:1::1/128', 'Port Control Protocol anycast', 'RFC 7723'],
  ['2001:1::2/128', 'TURN anycast', 'RFC 8155'],
  ['2001:1::3/128', 'DNS-SD service registration anycast', 'RFC 9665'],
  ['2001:3::/32', 'automatic multicast tunneling', 'RFC 7450'],
  ['2001:4:112::/48', 'AS112', 'RFC 7535'],
  ['2001:20::/28', 'ORCHIDv2', 'RFC 7343'],
  ['2001:30::/28', 'drone remote ID', 'RFC 9374'],
];

interface Block extends SpecialPurpose {
  readonly range: IpRange;
  readonly isReachable: boolean;
}

/** The purpose of an address is that of the narrowest block that contains it. */
const BLOCKS_NARROWEST_FIRST: readonly Block[] = [
  ...NOT_REACHABLE.map((row) => toBlock(row, false)),
  ...REACHABLE.map((row) => toBlock(row, true)),
].sort((a, b) => Number(a.range.last - a.range.first) - Number(b.range.last - b.range.first));

function toBlock([network, name, source]: Row, isReachable: boolean): Block {
  const range = parseCidr(network);
  if (!range) throw new Error(`the table of special addresses holds no network: ${network}`);
  return { range, name, source, isReachable };
}
