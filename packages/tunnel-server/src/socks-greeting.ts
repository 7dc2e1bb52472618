/** Detects a client that expects a SOCKS proxy, and encodes a refusal that it understands. */

/** The version that a greeting opens with: SOCKS 4, or 5 (RFC 1928). */
export type SocksVersion = 4 | 5;

/** Neither HTTP nor TLS begins with such a byte, so the first one decides. */
export function socksVersionOf([first]: Uint8Array): SocksVersion | undefined {
  return first === 4 || first === 5 ? first : undefined;
}

/**
 * A refusal that every client of the version understands:
 *
 *     SOCKS 5  0x05  0xff no acceptable method (RFC 1928 §3)
 *     SOCKS 4  0x00  0x5b request rejected     port (2)  address (4), both to be ignored
 */
export function encodeSocksRefusal(version: SocksVersion): Uint8Array {
  return version === 5 ? Uint8Array.of(5, 0xff) : Uint8Array.of(0, 0x5b, 0, 0, 0, 0, 0, 0);
}
