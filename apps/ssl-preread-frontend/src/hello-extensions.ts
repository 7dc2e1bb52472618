/** Those extensions of a ClientHello that a door has use for, each read to its last byte. */
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

/** Those that there are, of those that a door has use for. */
export interface Extensions {
  readonly kind: 'extensions';
  readonly serverName: VectorReader | undefined;
  readonly alpn: VectorReader | undefined;
  readonly supportedVersions: VectorReader | undefined;
  readonly encryptedClientHello: VectorReader | undefined;
}

/** Takes the extension block apart. A type that stands in it twice is what RFC 8446 §4.2 forbids: readers differ in which counts. */
export function splitExtensions(list: VectorReader): Extensions | Malformed {
  typesSeen.clear();
  let serverName: VectorReader | undefined;
  let alpn: VectorReader | undefined;
  let supportedVersions: VectorReader | undefined;
  let encryptedClientHello: VectorReader | undefined;
  while (list.left > 0) {
    const type = list.uint16();
    if (!typesSeen.add(type)) return malformed('it has two extensions of one type');
    const extension = list.vector16();
    if (type === EXTENSION.serverName) serverName = extension;
    else if (type === EXTENSION.alpn) alpn = extension;
    else if (type === EXTENSION.supportedVersions) supportedVersions = extension;
    else if (type === EXTENSION.encryptedClientHello) encryptedClientHello = extension;
  }
  if (!list.isExact) return malformed('an extension is longer than their list');
  return { kind: 'extensions', serverName, alpn, supportedVersions, encryptedClientHello };
}

/** The types of one block. Kept from hello to hello: a set made anew for each would cost more than to read all the rest of it. */
class TypesSeen {
  readonly #isSeen = new Uint8Array(0x1_0000);
  readonly #types: number[] = [];

  clear(): void {
    for (const type of this.#types) this.#isSeen[type] = 0;
    this.#types.length = 0;
  }

  /** False if it is there already. */
  add(type: number): boolean {
    if (this.#isSeen[type] === 1) return false;
    this.#isSeen[type] = 1;
    this.#types.push(type);
    return true;
  }
}

const typesSeen = new TypesSeen();

type ServerName = { readonly kind: 'name'; readonly host: string } | { readonly kind: 'none' } | Malformed;

const HOST_NAME = 0;

/** The host that the client wants to reach, canonical; `none` without the extension. */
export function readServerName(extension: VectorReader | undefined): ServerName {
  if (extension === undefined) return { kind: 'none' };
  const list = extension.vector16();
  const nameType = list.uint8();
  const hostName = list.vector16();
  // RFC 6066 §3 has one name of each type, and one type. Readers differ in what they make of more: first, last or none.
  if (!extension.isExact || !list.isExact) return malformed('its server_name is not a list of exactly one name');
  if (nameType !== HOST_NAME) return malformed('its server_name is of an unknown type');
  return readHost(hostName.text());
}

function readHost(text: string): ServerName {
  // Said here, for the reader of authorities would take bytes outside of ASCII for Latin and propose an A-label.
  if (/[^\x21-\x7e]/.test(text)) return malformed('its server_name holds a character that no name has');
  // The port plays no part in what is a host; it is the door that adds the real one.
  const destination = parseDestination(text, 0);
  if (destination.kind === 'malformed') return malformed(`its server_name is no host name: ${destination.why}`);
  // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted".
  if (destination.kind === 'address') return malformed('its server_name is an IP address');
  return { kind: 'name', host: destination.host };
}

type Alpn = { readonly kind: 'alpn'; readonly protocols: readonly string[] } | Malformed;

const NO_ALPN: Alpn = { kind: 'alpn', protocols: [] };

/** The protocols the client offers, in its order; none without the extension. */
export function readAlpn(extension: VectorReader | undefined): Alpn {
  if (extension === undefined) return NO_ALPN;
  const list = extension.vector16();
  const protocols: string[] = [];
  while (list.left > 0) protocols.push(list.vector8().text());
  // RFC 7301 §3.1: at least one protocol, and none of them empty.
  if (!extension.isExact || !list.isExact || protocols.length === 0 || protocols.includes('')) {
    return malformed('its ALPN is not a list of protocol names');
  }
  return { kind: 'alpn', protocols };
}

type SupportedVersions = { readonly kind: 'versions'; readonly highest?: number } | Malformed;

/** The highest version offered that has a name: what is left are GREASE (RFC 8701) and drafts. */
export function readSupportedVersions(extension: VectorReader | undefined): SupportedVersions {
  if (extension === undefined) return { kind: 'versions' };
  const list = extension.vector8();
  const isEmpty = list.left === 0;
  let highest = 0;
  while (list.left > 0) {
    const version = list.uint16();
    if (version > highest && isTlsVersion(version)) highest = version;
  }
  if (!extension.isExact || !list.isExact || isEmpty)
    return malformed('its supported_versions are not a list of versions');
  return highest === 0 ? { kind: 'versions' } : { kind: 'versions', highest };
}
