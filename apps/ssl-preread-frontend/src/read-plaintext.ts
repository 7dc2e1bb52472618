/** What a client speaks that does not speak TLS: so that a lost HTTP client is told, and any other is not confused. */
import {
  prereadUntil,
  type NeedMore,
  type Preread,
  type PrereadLimits,
  socksVersionOf,
} from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';

/** `connect`: CONNECT and a space, whatever follows; `http`: a request line of HTTP/1 with another method; `other`: none of these. */
export interface PlaintextFound {
  readonly kind: 'connect' | 'http' | 'socks' | 'other';
}

/** Reads from `client` until it is certain what it speaks. Throws nothing; `bytes` is all that was read. */
export function readPlaintext(
  client: Leg,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
): Promise<Preread<PlaintextFound>> {
  return prereadUntil(client, limits, alreadyRead, createPlaintextScan());
}

/** Looks at all bytes so far, each time more of them; remembers how far it came, so that no byte is searched twice. */
export function createPlaintextScan(): (bytes: Uint8Array) => PlaintextFound | NeedMore {
  let searchedBytes = 0;
  return (bytes) => {
    if (socksVersionOf(bytes) !== undefined) return { kind: 'socks' };
    const method = readMethod(bytes);
    if (method === 'none') return { kind: 'other' };
    if (method === 'CONNECT') return { kind: 'connect' };

    const lineEnd = method === 'incomplete' ? -1 : bytes.indexOf(LINE_FEED, searchedBytes);
    searchedBytes = bytes.length;
    if (lineEnd === -1) return { kind: 'need-more', atLeastBytes: bytes.length + 1 };
    return { kind: REQUEST_LINE.test(latin1(bytes, lineEnd)) ? 'http' : 'other' };
  };
}

const LINE_FEED = 0x0a;
const MAX_METHOD_BYTES = 24;
// Methods are case-sensitive, and those registered are upper-case letters and hyphens (RFC 9110 §16.1): no text of SSH, SMTP or
// TLS gone wrong passes for one for long. The longest, UPDATEREDIRECTREF, has 17.
const METHOD = new RegExp(`^[A-Z-]{1,${MAX_METHOD_BYTES}}$`);
// With its version: RTSP and SIP have request lines that differ in nothing else (RFC 9112 §3).
const REQUEST_LINE = /^\S+ \S+ HTTP\/1\.[0-9]\r?$/;

/** The first word, once a space ends it. */
function readMethod(bytes: Uint8Array): string {
  const start = latin1(bytes, MAX_METHOD_BYTES + 1);
  const space = start.indexOf(' ');
  const word = space === -1 ? start : start.slice(0, space);
  if (!METHOD.test(word)) return 'none';
  return space === -1 ? 'incomplete' : word;
}

function latin1(bytes: Uint8Array, count: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(count, bytes.length)).toString('latin1');
}
