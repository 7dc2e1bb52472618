/** Parses the extensions of a ClientHello that a door uses, each to its last byte. */
import { parseIp } from '@sallyport/addresses';
import { parseDestination } from '@sallyport/policy';
import { malformed, type Malformed } from './malformed.ts';
import { isTlsVersion } from './tls-version.ts';
import type { VectorReader } from './vector-reader.ts';

/** Extension types, by IANA's registry. */
const EXTENSION = {
  /** RFC 6066 §3 */
  serverName: 0,
  /** RFC 7301 §3.1 */
  alpn: 16,
  /** RFC 8446 §4.2.1 */
  supportedVersions: 43,
  /** RFC 9849 §5 */
  encryptedClientHello: 0xfe0d,
} as const;

/** Whether a door reads what lies in an extension of this type. Of others it notices the type alone. */
export function isRead(type: number): boolean {
  return type === EXTENSION.serverName || type === EXTENSION.alpn || type === EXTENSION.supportedVersions;
}

/** Where the extensions lie that a door uses: the start and the end of each, {@link ABSENT} where the hello lacks it. */
export interface Extensions {
  readonly kind: 'extensions';
  readonly serverName: number;
  readonly serverNameEnd: number;
  readonly alpn: number;
  readonly alpnEnd: number;
  readonly supportedVersions: number;
  readonly supportedVersionsEnd: number;
  readonly hasEncryptedClientHello: boolean;
}

export const ABSENT = -1;

/**
 * Splits the extension block. RFC 8446 §4.2 forbids a type that occurs twice. Here that matters for server_name only, for readers differ
 * in which one counts.
 */
export function splitExtensions(list: VectorReader): Extensions | Malformed {
  let serverName = ABSENT;
  let serverNameEnd = ABSENT;
  let alpn = ABSENT;
  let alpnEnd = ABSENT;
  let supportedVersions = ABSENT;
  let supportedVersionsEnd = ABSENT;
  let hasEncryptedClientHello = false;
  let isNamedTwice = false;
  while (list.left > 0) {
    const type = list.uint16();
    const start = list.pass16();
    if (type === EXTENSION.serverName) {
      isNamedTwice ||= serverName !== ABSENT;
      serverName = start;
      serverNameEnd = list.at;
    } else if (type === EXTENSION.alpn) {
      alpn = start;
      alpnEnd = list.at;
    } else if (type === EXTENSION.supportedVersions) {
      supportedVersions = start;
      supportedVersionsEnd = list.at;
    } else if (type === EXTENSION.encryptedClientHello) hasEncryptedClientHello = true;
  }
  // First: what was read past the end of the list looks like an extension of type 0.
  if (!list.isExact) return malformed('an extension is longer than their list');
  if (isNamedTwice) return malformed('it has two server_name extensions');
  return {
    kind: 'extensions',
    serverName,
    serverNameEnd,
    alpn,
    alpnEnd,
    supportedVersions,
    supportedVersionsEnd,
    hasEncryptedClientHello,
  };
}

type ServerName =
  | { readonly kind: 'name'; readonly host: string }
  /** A canonical IP address. RFC 6066 §3 forbids it, but some clients send it. It does not count as a name. */
  | { readonly kind: 'literal'; readonly literal: string }
  | { readonly kind: 'none' }
  | Malformed;

const HOST_NAME = 0;
export const NO_NAME: ServerName = { kind: 'none' };

/** The canonical host that the client wants to reach. */
export function readServerName(extension: VectorReader): ServerName {
  const isList = enterVector(extension, extension.pass16());
  const nameType = extension.uint8();
  const hostName = extension.pass16();
  // RFC 6066 §3 allows one name of each type, and defines one type. Readers of several names take the first, the last or none.
  if (!isList || !extension.isExact) return malformed('its server_name is not a list of exactly one name');
  if (nameType !== HOST_NAME) return malformed('its server_name is of an unknown type');
  return readHost(extension.textFrom(hostName));
}

/** Goes on inside the vector from `start` on that was just passed. Returns whether nothing lies behind it. */
function enterVector(reader: VectorReader, start: number): boolean {
  const { at, isExact } = reader;
  reader.reopen(start, at);
  return isExact;
}

function readHost(text: string): ServerName {
  // Checked here, for the reader of authorities would take bytes outside of ASCII for Latin-1 and propose an A-label.
  if (/[^\x21-\x7e]/.test(text)) return malformed('its server_name holds a character that no name has');
  // A server_name has no brackets, so an IPv6 address is recognised by its colons.
  const bare = text.includes(':') ? parseIp(text) : undefined;
  if (bare) return { kind: 'literal', literal: bare.text };
  // The port does not matter for the host. The door adds the real one.
  const destination = parseDestination(text, 0);
  if (destination.kind === 'malformed') return malformed(`its server_name is no host name: ${destination.why}`);
  const { host } = destination;
  return destination.kind === 'address' ? { kind: 'literal', literal: host } : { kind: 'name', host };
}

type Alpn = { readonly kind: 'alpn'; readonly protocols: readonly string[]; readonly dropped: number } | Malformed;

export const NO_ALPN: Alpn = { kind: 'alpn', protocols: [], dropped: 0 };
/** A hello has room for thousands of protocols. No client needs more than these, and each live tunnel keeps them. */
const MAX_PROTOCOLS = 16;
const MAX_PROTOCOL_BYTES = 255;

/** The first protocols that the client offers, in its order, and how many more there were. */
export function readAlpn(list: VectorReader): Alpn {
  const isList = enterVector(list, list.pass16());
  const protocols: string[] = [];
  let bytesLeft = MAX_PROTOCOL_BYTES;
  let dropped = 0;
  while (list.left > 0) {
    const protocol = list.pass8();
    const bytes = list.at - protocol;
    if (dropped > 0 || protocols.length === MAX_PROTOCOLS || bytes > bytesLeft) {
      dropped += 1;
    } else if (bytes > 0) {
      bytesLeft -= bytes;
      protocols.push(list.textFrom(protocol));
    }
  }
  if (!isList || !list.isExact) return malformed('its ALPN is not a list of protocol names');
  return { kind: 'alpn', protocols, dropped };
}

type SupportedVersions = { readonly kind: 'versions'; readonly highest?: number } | Malformed;

export const NO_VERSIONS: SupportedVersions = { kind: 'versions' };

/** The highest version offered that has a name. The others are GREASE (RFC 8701) and drafts. */
export function readSupportedVersions(list: VectorReader): SupportedVersions {
  const isList = enterVector(list, list.pass8());
  let highest = 0;
  while (list.left > 1) {
    const version = list.uint16();
    if (version > highest && isTlsVersion(version)) highest = version;
  }
  if (!isList) return malformed('its supported_versions are not a list of versions');
  return highest === 0 ? NO_VERSIONS : { kind: 'versions', highest };
}
