/** The names of TLS versions in the log and in labels: a closed set, whatever a client sends. */

const NAMES = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const SSL_3_0 = 0x0300;

/** Whether the two bytes are a version, and not GREASE (RFC 8701) or a draft. */
export function isTlsVersion(version: number): boolean {
  return NAMES[version - SSL_3_0] !== undefined;
}

/** Names the highest version that a hello offers. A version higher than any known one offers all of them (RFC 5246 §E.1). */
export function nameTlsVersion(version: number): string {
  if (version < SSL_3_0) return 'SSLv2';
  return NAMES[version - SSL_3_0] ?? 'TLSv1.3';
}
