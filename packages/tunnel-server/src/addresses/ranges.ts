/**
 * Runs of IP addresses, as plain numbers: what networks are made of before they are compiled. Not for the path of a
 * tunnel.
 */
import { type Ip, parseIp } from './ip.ts';

/** All addresses of one family from `first` to `last`, both included. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Reads a CIDR or a single address; bits behind the prefix do not count. An IPv4-mapped network is the IPv4 network it
 * maps.
 */
export function parseCidr(text: string): IpRange | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const ip = parseIp(address);
  if (!ip || rest.length > 0 || (prefixText !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(prefixText)))
    return undefined;
  const bits = ip.family === 4 ? 32 : 128;
  const writtenBits = address.includes(':') ? 128 : 32;
  const prefix = prefixText === undefined ? bits : Number(prefixText) - (writtenBits - bits);
  if (prefix < 0 || prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const first = (addressNumber(ip) / size) * size;
  return { family: ip.family, first, last: first + size - 1n };
}

/** The address as one number. */
export function addressNumber(ip: Ip): bigint {
  return ip.words.reduce((number, word) => (number << 32n) | BigInt(word), 0n);
}

/** True where the range holds the address. */
export function rangeHolds(range: IpRange, ip: Ip): boolean {
  if (range.family !== ip.family) return false;
  const number = addressNumber(ip);
  return range.first <= number && number <= range.last;
}

/** The same addresses in as few ranges as there can be: sorted, apart from one another, IPv4 first. */
export function mergeRanges(ranges: readonly IpRange[]): readonly IpRange[] {
  const merged: IpRange[] = [];
  for (const range of ranges.toSorted(compareRanges)) {
    const previous = merged.at(-1);
    if (previous?.family === range.family && range.first <= previous.last + 1n) {
      if (range.last > previous.last) merged[merged.length - 1] = { ...previous, last: range.last };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** What is left of `ranges` without the addresses of `hole`. */
export function cutHole(ranges: readonly IpRange[], hole: IpRange): readonly IpRange[] {
  return ranges.flatMap((range) => {
    if (range.family !== hole.family || range.last < hole.first || hole.last < range.first) return [range];
    const below = range.first < hole.first ? [{ ...range, last: hole.first - 1n }] : [];
    const above = hole.last < range.last ? [{ ...range, first: hole.last + 1n }] : [];
    return [...below, ...above];
  });
}

function compareRanges(a: IpRange, b: IpRange): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.first === b.first ? 0 : a.first < b.first ? -1 : 1;
}
