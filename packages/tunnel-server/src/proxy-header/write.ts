/** Writes the header that names the client to the next hop (HAProxy's proxy-protocol.txt, versions 1 and 2). */
import { parseIp } from '@sallyport/addresses';
import type { Address, Leg } from '@sallyport/tunnel-splice';

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const VERSION_2_PROXY = 0x21;
const STREAM_OVER = { 4: 0x11, 6: 0x21 } as const;

/** Says who the client is, and where it was going: to its original destination, or to us. */
export function headerFor(client: Pick<Leg, 'remote' | 'local' | 'original'>, version: 'v1' | 'v2'): Uint8Array {
  const ends = { source: client.remote, destination: client.original ?? client.local };
  return version === 'v1' ? encodeVersion1(ends) : encodeVersion2(ends);
}

interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

function encodeVersion1({ source, destination }: Ends): Uint8Array {
  const family = familyOf(source, destination);
  if (family === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const line = `PROXY TCP${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`;
  return Buffer.from(line, 'latin1');
}

/** Signature, version and command, family and protocol, length; then both addresses and both ports. */
function encodeVersion2({ source, destination }: Ends): Uint8Array {
  const family = familyOf(source, destination);
  if (family === undefined) return Uint8Array.of(...SIGNATURE, VERSION_2_PROXY, 0, 0, 0);
  const words = [source, destination].flatMap(({ host }) => parseIp(host)?.words ?? []);
  const length = 4 * words.length + 4;
  const header = Buffer.alloc(SIGNATURE.length + 4 + length);
  header.set(SIGNATURE);
  let at = header.writeUInt8(VERSION_2_PROXY, SIGNATURE.length);
  at = header.writeUInt8(STREAM_OVER[family], at);
  at = header.writeUInt16BE(length, at);
  for (const word of words) at = header.writeUInt32BE(word, at);
  at = header.writeUInt16BE(source.port, at);
  header.writeUInt16BE(destination.port, at);
  return header;
}

/** Undefined where the two are not of one family: the header has no way to say that. */
function familyOf(source: Address, destination: Address): 4 | 6 | undefined {
  const [one, other] = [parseIp(source.host)?.family, parseIp(destination.host)?.family];
  return one === other ? one : undefined;
}
