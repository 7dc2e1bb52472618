/** IP addresses as values: parsed once from text, then compared as numbers. */

export interface Ip {
  readonly family: 4 | 6;
  /** The canonical spelling: dotted decimal, or RFC 5952. */
  readonly text: string;
  /** Unsigned 32-bit words, the most significant first: one for IPv4, four for IPv6. */
  readonly words: readonly number[];
}

/**
 * Reads an IP literal: four decimal octets without leading zeros, or any spelling of RFC 4291 §2.2 without a zone. Any other text that
 * `inet_aton` or a resolver would take for an address is undefined here.
 *
 * IPv4-mapped IPv6 (`::ffff:10.0.0.1`) is returned as the IPv4 address that the kernel dials for it, so no rule ever has to match one.
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

/** Formats an address canonically: dotted decimal, or RFC 5952 §4 (always in hexadecimal groups). */
export function formatIp(words: readonly number[]): string {
  const [word] = words;
  return words.length === 1 && word !== undefined ? formatDottedQuad(word) : formatIpv6(words);
}

const CODE_DOT = 0x2e;
const CODE_0 = 0x30;

/** One pass over the characters, for this runs for every client address. */
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
    // A leading zero is octal to inet_aton and decimal to others: such a spelling is ambiguous (RFC 6943 §3.1.1).
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    if (octet > 255) return undefined;
    digits++;
  }
  return dots === 3 && digits > 0 ? word * 256 + octet : undefined;
}

const IPV6_GROUPS = 8;

/** Reads one 16-bit group after the other. `::` is filled in at the end, when the number of its groups is known. */
function readIpv6(text: string): readonly number[] | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const colon = text.indexOf(':', at);
    const end = colon < 0 ? text.length : colon;
    if (!readGroup(text, at, end, groups)) return undefined;
    if (colon < 0) return joinGroups(groups, gap);
    at = colon + 1;
    if (text.startsWith(':', at)) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    } else if (at === text.length) {
      return undefined;
    }
  }
  return joinGroups(groups, gap);
}

/** Reads the text between two colons: up to four hexadecimal digits or, at the very end, a dotted quad for two groups. */
function readGroup(text: string, start: number, end: number, groups: number[]): boolean {
  let group = 0;
  for (let at = start; at < end; at++) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return end === text.length && readQuadGroups(text.slice(start), groups);
    group = group * 16 + digit;
  }
  const digits = end - start;
  if (digits >= 1 && digits <= 4) groups.push(group);
  return digits >= 1 && digits <= 4;
}

function readQuadGroups(quad: string, groups: number[]): boolean {
  const word = readDottedQuad(quad);
  if (word !== undefined) groups.push(word >>> 16, word & 0xffff);
  return word !== undefined;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Makes four words of eight groups, with zeros in the gap: one group or more (RFC 4291 §2.2). */
function joinGroups(groups: readonly number[], gap: number): readonly number[] | undefined {
  const missing = IPV6_GROUPS - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  const group = (at: number): number => {
    if (gap < 0 || at < gap) return groups[at] ?? 0;
    return at < gap + missing ? 0 : (groups[at - missing] ?? 0);
  };
  return [0, 2, 4, 6].map((at) => group(at) * 0x1_0000 + group(at + 1));
}

function formatDottedQuad(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function formatIpv6(words: readonly number[]): string {
  const [start, end] = longestZeroRun(words);
  let text = '';
  for (let at = 0; at < IPV6_GROUPS; at++) {
    if (at === start) {
      text += '::';
      at = end - 1;
    } else {
      text += (at === 0 || at === end ? '' : ':') + groupOf(words, at).toString(16);
    }
  }
  return text;
}

/**
 * The run of zero groups that `::` stands for: the longest, the first of equals, never a single one (RFC 5952 §4.2).
 */
function longestZeroRun(words: readonly number[]): readonly [start: number, end: number] {
  let longest: readonly [number, number] = [-1, -1];
  let start = 0;
  for (let at = 0; at < IPV6_GROUPS; at++) {
    if (groupOf(words, at) !== 0) start = at + 1;
    else if (at > start && at - start >= longest[1] - longest[0]) longest = [start, at + 1];
  }
  return longest;
}

function groupOf(words: readonly number[], at: number): number {
  const word = words[at >>> 1] ?? 0;
  return at % 2 === 0 ? word >>> 16 : word & 0xffff;
}
