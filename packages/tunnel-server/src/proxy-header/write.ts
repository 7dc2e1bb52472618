/** Writes the header that names the client to the next hop (HAProxy's proxy-protocol.txt, versions 1 and 2). */
import { type Ip, parseIp } from '@sallyport/addresses';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import { SIGNATURE } from './signature.ts';

const VERSION_2_PROXY = 0x21;
const STREAM_OVER = { 4: 0x11, 6: 0x21 } as const;

/** Names the client and its destination: the original one, or the address it connected to. */
export function headerFor(client: Pick<Leg, 'remote' | 'local' | 'original'>, version: 'v1' | 'v2'): Uint8Array {
  const [source, destination] = [client.remote, client.original ?? client.local];
  const ips = ofOneFamily(parseIp(source.host), parseIp(destination.host));
  return version === 'v1' ? encodeVersion1(ips, source, destination) : encodeVersion2(ips, source, destination);
}

/** The addresses of both ends. */
type Ips = readonly [source: Ip, destination: Ip];

function encodeVersion1(ips: Ips | undefined, source: Address, destination: Address): Uint8Array {
  if (ips === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const { family } = ips[0];
  const line = `PROXY TCP${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`;
  return Buffer.from(line, 'latin1');
}

/** Signature, version and command, family and protocol, length; then both addresses and both ports. */
function encodeVersion2(ips: Ips | undefined, source: Address, destination: Address): Uint8Array {
  if (ips === undefined) return Uint8Array.of(...SIGNATURE, VERSION_2_PROXY, 0, 0, 0);
  const [{ family, words }, { words: destinationWords }] = ips;
  const addressBytes = 4 * words.length;
  // No Buffer: V8 makes a small array of its own faster.
  const header = new Uint8Array(SIGNATURE.length + 4 + 2 * addressBytes + 4);
  for (let at = 0; at < SIGNATURE.length; at++) header[at] = SIGNATURE[at] ?? 0;
  let at = SIGNATURE.length;
  header[at++] = VERSION_2_PROXY;
  header[at++] = STREAM_OVER[family];
  at = writePair(header, at, 2 * addressBytes + 4);
  at = writeWords(header, at, words);
  at = writeWords(header, at, destinationWords);
  at = writePair(header, at, source.port);
  writePair(header, at, destination.port);
  return header;
}

/** Big-endian, as all numbers of the header. Returns the index behind them. */
function writeWords(into: Uint8Array, start: number, words: readonly number[]): number {
  let at = start;
  for (const word of words) at = writePair(into, writePair(into, at, word >>> 16), word);
  return at;
}

/** The lower two bytes of a number. */
function writePair(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 8;
  into[at + 1] = value;
  return at + 2;
}

/** Undefined where they have two families: the header cannot express that. */
function ofOneFamily(source: Ip | undefined, destination: Ip | undefined): Ips | undefined {
  return source !== undefined && source.family === destination?.family ? [source, destination] : undefined;
}
