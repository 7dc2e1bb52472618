/** IPv4 addresses that are embedded in IPv6 addresses: a dial to the IPv6 address may reach the IPv4 address. */
import { type Ip, ipFromWords } from './ip.ts';

export interface EmbeddedIpv4 {
  readonly form: 'NAT64' | 'local-use NAT64' | '6to4' | 'Teredo' | 'ISATAP' | 'IPv4-compatible' | 'IPv4-translated';
  readonly ip: Ip;
  /**
   * True where the network delivers to that same IPv4 address and to no other: NAT64 under the well-known prefix. The other forms can be
   * made up under any prefix, or use a gateway of the sender's choice. So no rule may allow them because of the address inside.
   */
  readonly isSameAddress: boolean;
}

/**
 * The IPv4 address inside an IPv6 one, if it has one of the known forms; undefined for IPv4. `::ffff:0:0/96` is not one of them: `ipFromWords` has turned it
 * into IPv4 already.
 */
export function embeddedIpv4(ip: Ip): EmbeddedIpv4 | undefined {
  if (ip.family === 4) return undefined;
  const [a, b, c, d] = ip.words;
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined;
  // RFC 6052 §2.1
  if (a === 0x0064ff9b && b === 0 && c === 0) return hidden('NAT64', d);
  // RFC 8215; the prefix length is the operator's choice, and 96 is the one in use.
  if (a === 0x0064ff9b && b >>> 16 === 1) return hidden('local-use NAT64', d);
  // RFC 3056 §2: bits 16 to 47
  if (a >>> 16 === 0x2002) return hidden('6to4', (((a & 0xffff) << 16) | (b >>> 16)) >>> 0);
  // RFC 4380 §4: the client's address, each bit inverted
  if (a === 0x20010000) return hidden('Teredo', ~d >>> 0);
  // RFC 5214 §6.1: an interface identifier under any prefix, with the universal bit set or not
  if (c === 0x00005efe || c === 0x02005efe) return hidden('ISATAP', d);
  // RFC 2765 §2.1: ::ffff:0:a.b.c.d
  if (a === 0 && b === 0 && c === 0xffff0000) return hidden('IPv4-translated', d);
  // RFC 4291 §2.5.5.1; `::` and `::1` are addresses of their own.
  if (a === 0 && b === 0 && c === 0 && d > 1) return hidden('IPv4-compatible', d);
  return undefined;
}

function hidden(form: EmbeddedIpv4['form'], word: number): EmbeddedIpv4 {
  return { form, ip: ipFromWords([word]), isSameAddress: form === 'NAT64' };
}
