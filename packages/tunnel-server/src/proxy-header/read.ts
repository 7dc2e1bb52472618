/** Parses the header by which a balancer names its client (HAProxy's proxy-protocol.txt, versions 1 and 2), from bytes in any pieces. */
import { ipFromWords, parseIp } from '@sallyport/addresses';
import type { Address } from '@sallyport/tunnel-splice';
import type { NeedMore } from '../preread.ts';
import { startsAlike } from '../starts-alike.ts';
import { crc32c } from './crc32c.ts';
import { SIGNATURE } from './signature.ts';

/** What a peer says of its client. `headerBytes` is the length of its header. */
export type ProxyHeader =
  /** Where the client comes from and where it was going. */
  | { readonly kind: 'client'; readonly headerBytes: number; readonly remote: Address; readonly local: Address }
  /** LOCAL, UNKNOWN, or addresses that are not those of TCP over IP: the connection's own addresses apply. */
  | { readonly kind: 'unnamed'; readonly headerBytes: number }
  | { readonly kind: 'malformed'; readonly why: string };

/** §2.1: the longest line of version 1, its end included. */
const LONGEST_LINE = 107;
const LINE_START = Buffer.from('PROXY ');
const FIXED_BYTES = SIGNATURE.length + 4;

/** Reads the header at the start of `bytes`. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | NeedMore {
  if (startsAlike(bytes, LINE_START)) return readLine(bytes);
  if (startsAlike(bytes, SIGNATURE)) return readBinary(bytes);
  return malformed('it begins with no PROXY header');
}

function readLine(bytes: Uint8Array): ProxyHeader | NeedMore {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LONGEST_LINE)).toString('latin1');
  const end = head.indexOf('\r\n');
  if (end < 0) {
    if (head.length === LONGEST_LINE) return malformed('its line has no end');
    return { kind: 'need-more', atLeastBytes: bytes.length + 1 };
  }
  const headerBytes = end + 2;
  const [, protocol = '', ...rest] = head.slice(0, end).split(' ');
  if (protocol === 'UNKNOWN') return { kind: 'unnamed', headerBytes };
  const [source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = rest;
  const remote = readAddress(protocol, source, sourcePort);
  const local = readAddress(protocol, destination, destinationPort);
  if (!remote || !local || more.length > 0) return malformed('its line is not two addresses and two ports');
  return { kind: 'client', headerBytes, remote, local };
}

/** IPv4-mapped addresses are IPv4 from here on. */
function readAddress(protocol: string, host: string, port: string): Address | undefined {
  const isFamily = protocol === 'TCP4' ? !host.includes(':') : protocol === 'TCP6' && host.includes(':');
  const ip = isFamily ? parseIp(host) : undefined;
  const isPort = /^(?:0|[1-9][0-9]{0,4})$/.test(port) && Number(port) <= 65_535;
  return ip && isPort ? { host: ip.text, port: Number(port) } : undefined;
}

/** By family and protocol: TCP over IPv4, and over IPv6. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
]);
/** Valid, but of no use to a proxy of TCP: UDP over IPv4 and over IPv6, and UNIX sockets. By the length of their addresses. */
const OTHER_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x12, 12],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);

/** §2.2: signature, version and command, family and protocol, length; then addresses, then type-length-values. */
function readBinary(bytes: Uint8Array): ProxyHeader | NeedMore {
  if (bytes.length < FIXED_BYTES) return { kind: 'need-more', atLeastBytes: FIXED_BYTES };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const [command, family] = [view.readUInt8(12), view.readUInt8(13)];
  const headerBytes = FIXED_BYTES + view.readUInt16BE(14);
  if (command >>> 4 !== 2 || (command & 0xf) > 1) return malformed('its version or its command is unknown');
  if (bytes.length < headerBytes) return { kind: 'need-more', atLeastBytes: headerBytes };
  const header = view.subarray(0, headerBytes);
  // LOCAL: the balancer made the connection itself, and its addresses are to be ignored.
  if ((command & 0xf) === 0 || family === 0) return unnamed(header, headerBytes);
  // §2.2: a receiver falls back to "unspecified" for what is valid and not implemented.
  const otherBytes = OTHER_ADDRESS_BYTES.get(family);
  if (otherBytes !== undefined) return unnamed(header, FIXED_BYTES + otherBytes);
  const addressBytes = ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return malformed('its family or its protocol is unknown');
  return readAddresses(header, addressBytes);
}

function unnamed(header: Buffer, extrasAt: number): ProxyHeader {
  const why = findUnfitExtra(header, extrasAt);
  return why === undefined ? { kind: 'unnamed', headerBytes: header.length } : malformed(why);
}

function readAddresses(header: Buffer, addressBytes: number): ProxyHeader {
  const portsAt = FIXED_BYTES + 2 * addressBytes;
  const why = findUnfitExtra(header, portsAt + 4);
  if (why !== undefined) return malformed(why);
  const hostAt = (at: number): string =>
    ipFromWords(Array.from({ length: addressBytes / 4 }, (_, word) => header.readUInt32BE(at + 4 * word))).text;
  return {
    kind: 'client',
    headerBytes: header.length,
    remote: { host: hostAt(FIXED_BYTES), port: header.readUInt16BE(portsAt) },
    local: { host: hostAt(FIXED_BYTES + addressBytes), port: header.readUInt16BE(portsAt + 2) },
  };
}

const CRC32C = 3;

/** What is wrong with the type-length-values: each must fit, and a checksum must be right (§2.2.4). */
function findUnfitExtra(header: Buffer, start: number): string | undefined {
  if (start > header.length) return 'it is too short for its addresses';
  let checksumAt: number | undefined;
  for (let at = start; at < header.length;) {
    const length = at + 3 <= header.length ? header.readUInt16BE(at + 1) : Infinity;
    const end = at + 3 + length;
    if (end > header.length) return 'one of its values does not fit';
    if (header[at] === CRC32C) {
      if (length !== 4 || checksumAt !== undefined) return 'its checksum is malformed';
      checksumAt = at + 3;
    }
    at = end;
  }
  return checksumAt === undefined || isChecksumRight(header, checksumAt) ? undefined : 'its checksum is wrong';
}

/** Over the whole header, the checksum itself taken as zero. */
function isChecksumRight(header: Buffer, at: number): boolean {
  const blank = Buffer.from(header);
  blank.writeUInt32BE(0, at);
  return crc32c(blank) === header.readUInt32BE(at);
}

function malformed(why: string): ProxyHeader {
  return { kind: 'malformed', why };
}
