/** Other parsers of a host: libc's `inet_aton`, and the URL standard. Written independently of the product, which is compared with them. */

/**
 * The IPv4 address that `inet_aton` makes of a text, as a number: one to four parts, each decimal, octal or hexadecimal, the
 * last filling what is left. Undefined where it makes none.
 */
export function readAsInetAton(text: string): number | undefined {
  const match = /^(?:(\w+)\.)?(?:(\w+)\.)?(?:(\w+)\.)?(\w+)$/.exec(text);
  if (!match) return undefined;
  const words: readonly (string | undefined)[] = match.slice(1);
  const parts = words.flatMap((part) => (part === undefined ? [] : [readCNumber(part)]));
  const last = parts.pop();
  if (last === undefined || last >= 256 ** (4 - parts.length)) return undefined;
  if (!parts.every((part) => part !== undefined && part < 256)) return undefined;
  return parts.reduce<number>((sum, part, index) => sum + (part ?? 0) * 256 ** (3 - index), last);
}

/** As `strtoul` with base 0 reads a whole word. */
function readCNumber(word: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(word)) return Number(word.toLowerCase());
  if (/^0[0-7]*$/.test(word)) return Number.parseInt(word, 8);
  return /^[1-9][0-9]*$/.test(word) ? Number(word) : undefined;
}

/** The host of `http://HOST/` after the URL standard, which knows `inet_aton`'s spellings and IDNA; undefined where it is none. */
export function readAsUrl(host: string): string | undefined {
  // Characters that end a host, or that the standard drops.
  if (/[\s\\/?#@\t\r\n]/.test(host) || !URL.canParse(`http://${host}/`)) return undefined;
  const { host: read } = new URL(`http://${host}/`);
  return read;
}

const MAPPED = 0xffffn << 32n;

/**
 * The address that dialling code would connect to if it were given the text as a host, as one number of 128 bits (IPv4 as
 * IPv4-mapped); undefined where it would take it for a name. Brackets, a zone and what is behind a NUL are taken off, width and case folded.
 */
export function readAsDialled(host: string): bigint | undefined {
  const bare = /^\[?([^\]]*)\]?$/s.exec(host)?.[1] ?? host;
  // C ends a text at a NUL.
  const [unzoned = ''] = bare.split(/[%\0]/);
  const folded = unzoned.normalize('NFKC').replaceAll('\u3002', '.').replace(/\.$/, '');
  if (!folded.includes(':')) {
    const ipv4 = readAsInetAton(folded);
    return ipv4 === undefined ? undefined : MAPPED | BigInt(ipv4);
  }
  const url = readAsUrl(`[${folded}]`);
  return url === undefined ? undefined : expandIpv6(url.slice(1, -1));
}

/** A canonical IPv6 address, as URLs have it, as a number. */
function expandIpv6(text: string): bigint {
  const [left = '', right] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [front, back] = [groups(left), groups(right ?? '')];
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
