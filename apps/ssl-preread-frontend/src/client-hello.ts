/** Parses a ClientHello (RFC 8446 §4.1.2): the host it names, and the protocols it offers. */
import type { HelloFacts } from '@sallyport/tunnel-server';
import { BytesMemo } from '@sallyport/tunnel-splice';
import {
  ABSENT,
  NO_ALPN,
  NO_NAME,
  NO_VERSIONS,
  readAlpn,
  readServerName,
  readSupportedVersions,
  splitExtensions,
} from './hello-extensions.ts';
import { malformed, type Malformed } from './malformed.ts';
import { nameTlsVersion } from './tls-version.ts';
import { VectorReader } from './vector-reader.ts';

/** The facts of a whole ClientHello, or what is wrong with it. */
export type ClientHello = { readonly kind: 'hello'; readonly hello: HelloFacts } | Malformed;

const MESSAGE_HEADER_BYTES = 4;
/** Where the random is surely random: its first bytes are a clock in some clients, and a fixed mark in others. */
export const RANDOM_START_BYTES = 20;
/** Hellos are read one after the other, each in one go. */
const reader = new VectorReader();
const extensionReader = new VectorReader();

// Clients say the same in nearly every hello: which server, which protocols, which versions.
const SERVER_NAMES = remembered(readServerName);
const ALPNS = remembered(readAlpn);
const VERSIONS = remembered(readSupportedVersions);

function remembered<Meaning>(read: (extension: VectorReader) => Meaning): BytesMemo<Meaning> {
  return new BytesMemo({
    places: 256,
    longestBytes: 80,
    read: (bytes, start, end) => {
      extensionReader.open(bytes, start, end);
      return read(extensionReader);
    },
  });
}

/**
 * Reads a whole ClientHello, SSL 3.0 to TLS 1.3. Every vector must fill its place exactly, so that no other reader of the same bytes can
 * find another name in them. What is not needed for the name is left to the server, also versions and empty lists. `sni` has its
 * canonical form.
 * @param message lies between `start` and `end`, with its 4-byte header, without record headers
 */
export function readClientHello(message: Uint8Array, start = 0, end = message.length): ClientHello {
  reader.open(message, start + MESSAGE_HEADER_BYTES, end);
  const legacyVersion = reader.uint16();
  reader.skip(RANDOM_START_BYTES);
  const random = readRandomEnd(reader);
  reader.pass8(); // session id
  reader.pass16(); // cipher suites
  reader.pass8(); // compression methods
  // SSL 3.0 has no extensions, and a TLS client without any may leave out their length too (RFC 5246 §7.4.1.2).
  const extensions = reader.left === 0 ? reader.at : reader.pass16();

  if (!reader.isExact) return malformed('its parts do not add up to its length');
  reader.reopen(extensions, reader.at);
  return readFacts(message, legacyVersion, random);
}

/** 48 of the last 96 bits; 0 where those are all equal, as in hellos made by hand, many of which are the same. */
function readRandomEnd(body: VectorReader): number {
  const one = body.uint24();
  const two = body.uint24();
  const three = body.uint24();
  const four = body.uint24();
  return one === two || two === three || three === four ? 0 : one * 2 ** 24 + two;
}

/** The same, from those bytes alone. */
export function readRandom(end: Uint8Array): number {
  return readRandomEnd(new VectorReader(end));
}

/** From the reader, which stands before the extensions. */
function readFacts(message: Uint8Array, legacyVersion: number, random: number): ClientHello {
  const split = splitExtensions(reader);
  if (split.kind === 'malformed') return split;
  const { serverName: nameAt, alpn: alpnAt, supportedVersions: versionsAt } = split;

  const serverName = nameAt === ABSENT ? NO_NAME : SERVER_NAMES.meaningOf(message, nameAt, split.serverNameEnd);
  if (serverName.kind === 'malformed') return serverName;
  const alpn = alpnAt === ABSENT ? NO_ALPN : ALPNS.meaningOf(message, alpnAt, split.alpnEnd);
  if (alpn.kind === 'malformed') return alpn;
  const versions =
    versionsAt === ABSENT ? NO_VERSIONS : VERSIONS.meaningOf(message, versionsAt, split.supportedVersionsEnd);
  if (versions.kind === 'malformed') return versions;

  const hello: HelloFacts = {
    sni: serverName.kind === 'name' ? serverName.host : undefined,
    literal: serverName.kind === 'literal' ? serverName.literal : undefined,
    alpn: alpn.protocols,
    alpnDropped: alpn.dropped,
    tls: nameTlsVersion(versions.highest ?? legacyVersion),
    ech: split.hasEncryptedClientHello,
    random,
  };
  return { kind: 'hello', hello };
}
