/** IP addresses as values: read once from text, compared as numbers ever after. */

export interface Ip {
  readonly family: 4 | 6;
  /** The canonical spelling: dotted decimal, or RFC 5952. */
  readonly text: string;
  /** Unsigned 32-bit words, the most significant first: one for IPv4, four for IPv6. */
  readonly words: readonly number[];
}

/**
 * Reads an IP literal: four decimal octets without leading zeros, or any spelling of RFC 4291 §2.2 without a zone.
 * Everything else that `inet_aton` or a resolver would take for an address is undefined here.
 *
 * IPv4-mapped IPv6 (`::ffff:10.0.0.1`) comes back as the IPv4 address that the kernel dials for it, so no rule ever meets one.
 */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) {
    const word = readDottedQuad(text);
    return word === undefined ? undefined : { family: 4, text, words: [word] };
  }
  const words = readIpv6(text);
  return words && ipFromWords(words);
}

/** The address of one word (IPv4) or four (IPv6); IPv4-mapped ones become IPv4. */
export function ipFromWords(words: readonly number[]): Ip {
  const [a, b, c, d] = words;
  if (a === 0 && b === 0 && c === 0xffff && d !== undefined) return ipFromWords([d]);
  return { family: words.length === 1 ? 4 : 6, text: formatIp(words), words };
}

/** Spells an address canonically: dotted decimal, or RFC 5952 §4 (always in hexadecimal groups). */
export function formatIp(words: readonly number[]): string {
  const [word] = words;
  if (words.length === 1 && word !== undefined) return formatDottedQuad(word);
  return formatIpv6(words.flatMap((each) => [each >>> 16, each & 0xffff]));
}

const CODE_DOT = 0x2e;
const CODE_0 = 0x30;

/** One pass over the characters: every tunnel's client address comes through here. */
function readDottedQuad(text: string): number | undefined {
  let word = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CODE_DOT) {
      if (digits === 0 || ++dots > 3) return undefined;
      word = word * 256 + octet;
      octet = digits = 0;
      continue;
    }
    const digit = code - CODE_0;
    // A leading zero is octal to inet_aton and decimal to others: such spellings have no one meaning (RFC 6943 §3.1.1).
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    if (octet > 255) return undefined;
    digits++;
  }
  return dots === 3 && digits > 0 ? word * 256 + octet : undefined;
}

const IPV6_GROUPS = 8;

function readIpv6(text: string): readonly number[] | undefined {
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const before = readGroups(head, tail === undefined);
  const after = readGroups(tail ?? '', true);
  if (before === undefined || after === undefined) return undefined;
  const missing = IPV6_GROUPS - before.length - after.length;
  // `::` stands for one group or more (RFC 4291 §2.2).
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return joinGroups([...before, ...Array.from({ length: missing }, () => 0), ...after]);
}

const HEX_GROUP = /^[0-9a-f]{1,4}$/i;

/** The 16-bit groups of one side of `::`. Only the last group of all may be a dotted quad. */
function readGroups(side: string, isLast: boolean): number[] | undefined {
  if (side === '') return [];
  const groups: number[] = [];
  const parts = side.split(':');
  for (const [at, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const word = isLast && at === parts.length - 1 ? readDottedQuad(part) : undefined;
    if (word === undefined) return undefined;
    groups.push(word >>> 16, word & 0xffff);
  }
  return groups;
}

function joinGroups(groups: readonly number[]): number[] {
  const words: number[] = [];
  for (let at = 0; at < groups.length; at += 2) words.push((groups[at] ?? 0) * 0x1_0000 + (groups[at + 1] ?? 0));
  return words;
}

function formatDottedQuad(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function formatIpv6(groups: readonly number[]): string {
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  // A single zero group is not shortened (RFC 5952 §4.2.2).
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** Where the longest run of zero groups starts, the first of equals (RFC 5952 §4.2.3), and how long it is. */
function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let longest: readonly [number, number] = [0, 0];
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > longest[1]) longest = [start, at + 1 - start];
  }
  return longest;
}
