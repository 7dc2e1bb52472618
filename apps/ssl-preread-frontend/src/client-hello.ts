/** The ClientHello (RFC 8446 §4.1.2): what it says of where its sender wants to go, and of what it speaks. */
import type { HelloFacts } from '@sallyport/tunnel-server';
import { readAlpn, readServerName, readSupportedVersions, splitExtensions } from './hello-extensions.ts';
import { malformed, type Malformed } from './malformed.ts';
import { nameTlsVersion } from './tls-version.ts';
import { VectorReader } from './vector-reader.ts';

export type ClientHello = { readonly kind: 'hello'; readonly hello: HelloFacts } | Malformed;

const MESSAGE_HEADER_BYTES = 4;
const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;

/**
 * Reads a whole ClientHello, SSL 3.0 to TLS 1.3, strictly: every vector fills its place to the byte, so that no other reader of
 * the same bytes can find another name in them. `sni` comes out in its canonical form.
 * @param message with its 4-byte header, without record headers
 */
export function readClientHello(message: Uint8Array): ClientHello {
  const body = new VectorReader(message, MESSAGE_HEADER_BYTES);
  const legacyVersion = body.uint16();
  body.skip(RANDOM_BYTES);
  const sessionIdBytes = body.vector8().left;
  const cipherSuiteBytes = body.vector16().left;
  const compressionMethodBytes = body.vector8().left;
  // SSL 3.0 knows no extensions, and a TLS client that has none may leave out their length too (RFC 5246 §7.4.1.2).
  const extensions = body.left === 0 ? new VectorReader(new Uint8Array()) : body.vector16();

  if (!body.isExact) return malformed('its parts do not add up to its length');
  if (legacyVersion >> 8 !== 3) return malformed('it has a version that no TLS has');
  if (sessionIdBytes > MAX_SESSION_ID_BYTES) return malformed('its session id is too long');
  if (cipherSuiteBytes === 0 || cipherSuiteBytes % 2 !== 0) return malformed('its cipher suites are no list of any');
  if (compressionMethodBytes === 0) return malformed('it has no compression method');
  return readFacts(legacyVersion, extensions);
}

function readFacts(legacyVersion: number, list: VectorReader): ClientHello {
  const split = splitExtensions(list);
  if (split.kind === 'malformed') return split;

  const serverName = readServerName(split.serverName);
  if (serverName.kind === 'malformed') return serverName;
  const alpn = readAlpn(split.alpn);
  if (alpn.kind === 'malformed') return alpn;
  const versions = readSupportedVersions(split.supportedVersions);
  if (versions.kind === 'malformed') return versions;

  const hello: HelloFacts = {
    sni: serverName.kind === 'name' ? serverName.host : undefined,
    alpn: alpn.protocols,
    tls: nameTlsVersion(versions.highest ?? legacyVersion),
    ech: split.encryptedClientHello !== undefined,
  };
  return { kind: 'hello', hello };
}
