/** Legacy spellings of an IPv4 address, which C libraries accept when they dial. */
import { type Ip, ipFromWords } from './ip.ts';

/**
 * True where a name's last label is a number to `inet_aton` and to browsers (WHATWG URL, "ends in a number"). Such a text is never a host
 * name.
 */
export function endsInNumber(name: string): boolean {
  const lastLabel = name.slice(name.lastIndexOf('.') + 1);
  return /^(?:[0-9]+|0x[0-9a-f]*)$/i.test(lastLabel);
}

/**
 * Reads an address as `inet_aton` does: one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`). The last part fills all
 * octets that are left. Used only to explain a spelling; the result is never dialled.
 */
export function readLegacyIpv4(text: string): Ip | undefined {
  const parts = text.split('.').map(readPart);
  const last = parts.pop();
  if (last === undefined || parts.length > 3) return undefined;
  let word = 0;
  for (const octet of parts) {
    if (octet === undefined || octet > 255) return undefined;
    word = word * 256 + octet;
  }
  const room = 256 ** (4 - parts.length);
  return last < room ? ipFromWords([word * room + last]) : undefined;
}

function readPart(part: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(part)) return Number.parseInt(part.slice(2), 16);
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
  if (/^[1-9][0-9]*$/.test(part)) return Number.parseInt(part, 10);
  return undefined;
}
