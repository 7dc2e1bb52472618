/** Ranges of IP addresses as plain numbers, from which networks are compiled. Too slow to use for each tunnel. */
import { formatIp, type Ip, parseIp } from './ip.ts';

/** All addresses of one family from `first` to `last`, both included. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads a CIDR or a single address; bits beyond the prefix are dropped. An IPv4-mapped network is the IPv4 network it maps. */
export function parseCidr(text: string): IpRange | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const ip = parseIp(address);
  if (!ip || rest.length > 0 || (prefixText !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(prefixText)))
    return undefined;
  const isMapped = ip.family === 4 && address.includes(':');
  const writtenBits = ip.family === 4 && !isMapped ? 32 : 128;
  const prefix = prefixText === undefined ? writtenBits : Number(prefixText);
  if (prefix > writtenBits) return undefined;
  // A network wider than the IPv4-mapped range is one of IPv6 (RFC 4291 §2.5.5.2).
  if (isMapped && prefix < 96) return toRange(6, MAPPED + addressNumber(ip), prefix);
  return toRange(ip.family, addressNumber(ip), isMapped ? prefix - 96 : prefix);
}

/** `::ffff:0.0.0.0` as a number. */
const MAPPED = 0xffff_0000_0000n;

function toRange(family: 4 | 6, address: bigint, prefix: number): IpRange {
  const size = 1n << BigInt((family === 4 ? 32 : 128) - prefix);
  const first = (address / size) * size;
  return { family, first, last: first + size - 1n };
}

/** A CIDR or a single address in canonical spelling: always with its prefix, and no bit set beyond it. Undefined for any other text. */
export function canonicalCidr(text: string): string | undefined {
  const range = parseCidr(text);
  if (!range) return undefined;
  const bits = range.family === 4 ? 32 : 128;
  const hostBits = (range.last - range.first).toString(2).replaceAll('0', '').length;
  return `${formatIp(toWords(range.family, range.first))}/${bits - hostBits}`;
}

/** The address as unsigned 32-bit words, the most significant first. */
export function toWords(family: 4 | 6, address: bigint): number[] {
  const shifts = family === 4 ? [0n] : [96n, 64n, 32n, 0n];
  return shifts.map((shift) => Number((address >> shift) & 0xffff_ffffn));
}

/** The address as one number. */
export function addressNumber(ip: Ip): bigint {
  return ip.words.reduce((number, word) => (number << 32n) | BigInt(word), 0n);
}

/** True where the range contains the address. */
export function rangeHolds(range: IpRange, ip: Ip): boolean {
  if (range.family !== ip.family) return false;
  const number = addressNumber(ip);
  return range.first <= number && number <= range.last;
}

/** The same addresses in as few ranges as possible: sorted, disjoint, IPv4 first. */
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

/** The part of `ranges` that is not in `hole`. */
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
