/** Recognises TLS by its first bytes. */

/** `undecided`: there are too few bytes yet. */
export type TlsOpening = 'tls' | 'not-tls' | 'undecided';

/**
 * Says whether a connection begins with a ClientHello: a handshake record (type 22, RFC 8446 §5.1), which no request line begins with, or
 * an SSL 2.0 hello, in which some clients still offer TLS (RFC 5246 Appendix E.2):
 *
 *     offset  0            1       2               3 and 4
 *             0x80 | len   length  1 client-hello  0x00 0x02 (SSL 2.0), or 0x03 and a minor version
 */
export function recogniseTls(bytes: Uint8Array): TlsOpening {
  const [first, , messageType, major, minor] = bytes;
  if (first === undefined) return 'undecided';
  if (first === HANDSHAKE_RECORD) return 'tls';
  if ((first & SSLV2_SHORT_HEADER) === 0) return 'not-tls';

  if (messageType === undefined) return 'undecided';
  if (messageType !== CLIENT_HELLO) return 'not-tls';
  if (major !== undefined && major !== 0 && major !== 3) return 'not-tls';
  if (major === undefined || minor === undefined) return 'undecided';
  return major === 3 || minor === 2 ? 'tls' : 'not-tls';
}

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SSLV2_SHORT_HEADER = 0x80;
