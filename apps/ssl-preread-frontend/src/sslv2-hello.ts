/** The hello of SSL 2.0, in which old clients offer newer versions too (RFC 5246 §E.2). It has no place for a server name. */
import { type HelloFacts, type NeedMore, recogniseTls } from '@sallyport/tunnel-server';
import { malformed, type Malformed } from './malformed.ts';
import { nameTlsVersion } from './tls-version.ts';
import { VectorReader } from './vector-reader.ts';

/** What the first bytes of a client are to a reader of SSL 2.0. */
export type Sslv2Hello =
  | { readonly kind: 'hello'; readonly hello: HelloFacts; readonly endsAt: number }
  | Malformed
  /** Neither this nor anything that begins with the first byte of a handshake record. */
  | { readonly kind: 'not-tls' }
  | NeedMore;

const RECORD_HEADER_BYTES = 2;
const FIXED_BYTES = 11;

/**
 * Reads a hello of SSL 2.0: 2 bytes of record header, whose high bit is set and says that there is no padding; type, version, and
 * three lengths; then cipher specs, session id and challenge.
 */
export function readSslv2Hello(bytes: Uint8Array): Sslv2Hello {
  if (recogniseTls(bytes) === 'not-tls') return { kind: 'not-tls' };
  if (bytes.length < FIXED_BYTES) return { kind: 'need-more', atLeastBytes: FIXED_BYTES };

  const fields = new VectorReader(bytes);
  const messageBytes = fields.uint16() & 0x7fff;
  fields.skip(1);
  const version = fields.uint16();
  const cipherSpecBytes = fields.uint16();
  const sessionIdBytes = fields.uint16();
  const challengeBytes = fields.uint16();

  const endsAt = RECORD_HEADER_BYTES + messageBytes;
  if (endsAt !== FIXED_BYTES + cipherSpecBytes + sessionIdBytes + challengeBytes) {
    return malformed('its parts do not add up to its length');
  }
  if (bytes.length < endsAt) return { kind: 'need-more', atLeastBytes: endsAt };
  const tls = nameTlsVersion(version);
  const hello = {
    sni: undefined,
    literal: undefined,
    alpn: [],
    alpnDropped: 0,
    tls,
    ech: false,
    random: 0,
  };
  return { kind: 'hello', hello, endsAt };
}
