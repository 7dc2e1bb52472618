/** Who counts as one client, and as one neighbourhood of clients. */
import type { Ip } from '@sallyport/addresses';

/** A number where that is enough, which is smaller and faster in a Map. */
export type ClientKey = number | string;

/** An IPv6 client owns its /64 and changes its address within it at will (RFC 6177, RFC 8981): the /64 is the client. */
export function clientKey({ family, words }: Ip): ClientKey {
  return family === 4 ? (words[0] ?? 0) : `${words[0] ?? 0}:${words[1] ?? 0}`;
}

/** The network that the addresses of one owner have in common: the IPv4 /24, and the IPv6 /48 that a site is given (RFC 6177). */
export function neighbourhoodKey({ family, words }: Ip): ClientKey {
  const [first = 0, second = 0] = words;
  return family === 4 ? first >>> 8 : `${first}:${second >>> 16}`;
}
