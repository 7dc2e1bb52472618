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

/** The extensions that a door uses, where they are present. */
export interface Extensions {
  readonly kind: 'extensions';
  readonly serverName: VectorReader | undefined;
  readonly alpn: VectorReader | undefined;
  readonly supportedVersions: VectorReader | undefined;
  readonly encryptedClientHello: VectorReader | undefined;
}

/**
 * Splits the extension block. RFC 8446 §4.2 forbids a type that occurs twice. Here that matters for server_name only, for readers differ
 * in which one counts.
 */
export function splitExtensions(list: VectorReader): Extensions | Malformed {
  let serverName: VectorReader | undefined;
  let alpn: VectorReader | undefined;
  let supportedVersions: VectorReader | undefined;
  let encryptedClientHello: VectorReader | undefined;
  while (list.left > 0) {
    const type = list.uint16();
    const extension = list.vector16();
    if (type === EXTENSION.serverName) {
      if (serverName !== undefined) return malformed('it has two server_name extensions');
      serverName = extension;
    } else if (type === EXTENSION.alpn) alpn = extension;
    else if (type === EXTENSION.supportedVersions) supportedVersions = extension;
    else if (type === EXTENSION.encryptedClientHello) encryptedClientHello = extension;
  }
  if (!list.isExact) return malformed('an extension is longer than their list');
  return { kind: 'extensions', serverName, alpn, supportedVersions, encryptedClientHello };
}

type ServerName =
  | { readonly kind: 'name'; readonly host: string }
  /** A canonical IP address. RFC 6066 §3 forbids it, but some clients send it. It does not count as a name. */
  | { readonly kind: 'literal'; readonly literal: string }
  | { readonly kind: 'none' }
  | Malformed;

const HOST_NAME = 0;

/** The canonical host that the client wants to reach; `none` without the extension. */
export function readServerName(extension: VectorReader | undefined): ServerName {
  if (extension === undefined) return { kind: 'none' };
  const list = extension.vector16();
  const nameType = list.uint8();
  const hostName = list.vector16();
  // RFC 6066 §3 allows one name of each type, and defines one type. Readers of several names take the first, the last or none.
  if (!extension.isExact || !list.isExact) return malformed('its server_name is not a list of exactly one name');
  if (nameType !== HOST_NAME) return malformed('its server_name is of an unknown type');
  return readHost(hostName.text());
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

const NO_ALPN: Alpn = { kind: 'alpn', protocols: [], dropped: 0 };
/** A hello has room for thousands of protocols. No client needs more than these, and each live tunnel keeps them. */
const MAX_PROTOCOLS = 16;
const MAX_PROTOCOL_BYTES = 255;

/** The first protocols that the client offers, in its order, and how many more there were; none without the extension. */
export function readAlpn(extension: VectorReader | undefined): Alpn {
  if (extension === undefined) return NO_ALPN;
  const list = extension.vector16();
  const protocols: string[] = [];
  let bytesLeft = MAX_PROTOCOL_BYTES;
  let dropped = 0;
  while (list.left > 0) {
    const protocol = list.vector8();
    if (dropped > 0 || protocols.length === MAX_PROTOCOLS || protocol.left > bytesLeft) {
      dropped += 1;
    } else if (protocol.left > 0) {
      bytesLeft -= protocol.left;
      protocols.push(protocol.text());
    }
  }
  if (!extension.isExact || !list.isExact) return malformed('its ALPN is not a list of protocol names');
  return { kind: 'alpn', protocols, dropped };
}

type SupportedVersions = { readonly kind: 'versions'; readonly highest?: number } | Malformed;

/** The highest version offered that has a name. The others are GREASE (RFC 8701) and drafts. */
export function readSupportedVersions(extension: VectorReader | undefined): SupportedVersions {
  if (extension === undefined) return { kind: 'versions' };
  const list = extension.vector8();
  let highest = 0;
  while (list.left > 1) {
    const version = list.uint16();
    if (version > highest && isTlsVersion(version)) highest = version;
  }
  if (!extension.isExact) return malformed('its supported_versions are not a list of versions');
  return highest === 0 ? { kind: 'versions' } : { kind: 'versions', highest };
}
