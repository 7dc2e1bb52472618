/** Compiled sets of addresses. A look-up takes tens of nanoseconds, even among thousands of networks. */
import type { Ip } from './ip.ts';
import { type IpRange, mergeRanges, parseCidr, rangeHolds, toWords } from './ranges.ts';
import { specialRanges } from './special.ts';

/** Sets of networks that clients can be in. */
export const CLIENT_SETS = ['loopback', 'private', 'link_local', 'any'] as const;

/** Sets of networks that destinations can be in; `special` is all that IANA lists as not globally reachable. */
export const DESTINATION_SETS = [...CLIENT_SETS, 'special'] as const;

/** One of the sets, or a CIDR in canonical form, always with its prefix: `10.0.0.0/8`, `192.0.2.1/32`. */
export type Network = string;

export interface NetworkSet {
  /** Compares the number only: an IPv4 address inside an IPv6 one is ignored. */
  contains(ip: Ip): boolean;
  /** The network, as listed, that contains the address. For messages: it searches the list. */
  find(ip: Ip): Network | undefined;
  /** True where every address of `other` is in this set. */
  covers(other: NetworkSet): boolean;
  /** True where some address is in both. */
  overlaps(other: NetworkSet): boolean;
  readonly bounds: readonly Bounds[];
}

/** A range of addresses as the words of its first and its last. */
interface Bounds {
  readonly family: 4 | 6;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

/** Compiles a list of networks. Text that is not a network matches nothing: the configuration has refused it before. */
export function compileNetworks(networks: readonly Network[]): NetworkSet {
  const bounds = mergeRanges(networks.flatMap(rangesOf)).map(toBounds);
  const ipv4 = packBounds(bounds.filter(({ family }) => family === 4));
  const ipv6 = packBounds(bounds.filter(({ family }) => family === 6));
  const packed = (family: 4 | 6): PackedRanges => (family === 4 ? ipv4 : ipv6);
  return {
    bounds,
    contains: ({ family, words }) => meets(packed(family), words, words),
    find: (ip) => networks.find((network) => rangesOf(network).some((range) => rangeHolds(range, ip))),
    covers: (other) => other.bounds.every(({ family, first, last }) => holds(packed(family), first, last)),
    overlaps: (other) => other.bounds.some(({ family, first, last }) => meets(packed(family), first, last)),
  };
}

/** The sets by name. `private` is RFC 1918 and RFC 4193, without the carriers' 100.64.0.0/10. */
const SETS: ReadonlyMap<Network, readonly IpRange[]> = new Map([
  ['loopback', toRanges(['127.0.0.0/8', '::1/128'])],
  ['private', toRanges(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])],
  ['link_local', toRanges(['169.254.0.0/16', 'fe80::/10'])],
  ['any', toRanges(['0.0.0.0/0', '::/0'])],
  ['special', specialRanges()],
]);

function rangesOf(network: Network): readonly IpRange[] {
  return SETS.get(network) ?? toRanges([network]);
}

function toRanges(cidrs: readonly string[]): readonly IpRange[] {
  return cidrs.flatMap((cidr) => parseCidr(cidr) ?? []);
}

/** Sorted ranges as words in two flat arrays, `width` words an address: a look-up touches no object. */
interface PackedRanges {
  readonly count: number;
  readonly width: number;
  readonly firsts: Uint32Array;
  readonly lasts: Uint32Array;
}

function packBounds(bounds: readonly Bounds[]): PackedRanges {
  return {
    count: bounds.length,
    width: bounds[0]?.first.length ?? 1,
    firsts: Uint32Array.from(bounds.flatMap(({ first }) => first)),
    lasts: Uint32Array.from(bounds.flatMap(({ last }) => last)),
  };
}

/**
 * True where the ranges contain any address from `first` to `last`. They are disjoint, so only the last one that starts early enough can.
 */
function meets(ranges: PackedRanges, first: readonly number[], last: readonly number[]): boolean {
  const at = lastStartingBy(ranges, last);
  return at >= 0 && compareWords(ranges.lasts, at * ranges.width, first) >= 0;
}

/** True where one range contains all addresses from `first` to `last`. */
function holds(ranges: PackedRanges, first: readonly number[], last: readonly number[]): boolean {
  const at = lastStartingBy(ranges, first);
  return at >= 0 && compareWords(ranges.lasts, at * ranges.width, last) >= 0;
}

/** The index of the last range that starts at or before the address, or -1. */
function lastStartingBy(ranges: PackedRanges, words: readonly number[]): number {
  let low = 0;
  let high = ranges.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareWords(ranges.firsts, middle * ranges.width, words) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function compareWords(packed: Uint32Array, offset: number, words: readonly number[]): number {
  for (let at = 0; at < words.length; at++) {
    const difference = (packed[offset + at] ?? 0) - (words[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function toBounds({ family, first, last }: IpRange): Bounds {
  return { family, first: toWords(family, first), last: toWords(family, last) };
}
