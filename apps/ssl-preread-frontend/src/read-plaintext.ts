/**
 * Finds out which protocol a client without TLS uses. An HTTP client gets an explanation, any other gets no bytes that it could misread.
 */
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

/** Reads from `client` until its protocol is certain. Throws nothing; `bytes` is all that was read. */
export function readPlaintext(
  client: Leg,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
): Preread<PlaintextFound> | Promise<Preread<PlaintextFound>> {
  return prereadUntil(client, limits, alreadyRead, createPlaintextScan());
}

/** Whether a line without an end looks like one of HTTP: a method, and a target as clients of this door send it. */
export function beginsRequestLine(bytes: Uint8Array): boolean {
  const start = startOfLine(bytes) ?? 0;
  const method = readMethod(bytes, start);
  return method !== 'none' && TARGET.test(targetStart(bytes, start + method.length + 1));
}

/** Is given all bytes so far, each time more of them. It remembers its position, so that no byte is scanned twice. */
export function createPlaintextScan(): (bytes: Uint8Array) => PlaintextFound | NeedMore {
  let searchedBytes = 0;
  return (bytes) => {
    if (socksVersionOf(bytes) !== undefined) return { kind: 'socks' };
    const needMore: NeedMore = { kind: 'need-more', atLeastBytes: bytes.length + 1 };
    const start = startOfLine(bytes);
    if (start === undefined) return needMore;
    const method = readMethod(bytes, start);
    if (method === 'none') return { kind: 'other' };
    if (method === 'CONNECT') return { kind: 'connect' };

    if (method === 'incomplete') return needMore;
    if (SMALL_LETTER.test(method) && !mayBeTarget(bytes, start + method.length + 1)) return { kind: 'other' };
    const lineEnd = bytes.indexOf(LINE_FEED, Math.max(searchedBytes, start));
    searchedBytes = bytes.length;
    if (lineEnd === -1) return needMore;
    const isHttp = VERSION.test(latin1(bytes, Math.max(start, lineEnd - VERSION_BYTES), lineEnd));
    return { kind: isHttp ? 'http' : 'other' };
  };
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_METHOD_BYTES = 24;
// Any token (RFC 9110 §9.1) of limited length: the longest registered one, UPDATEREDIRECTREF, has 17.
const METHOD = new RegExp(`^[!#$%&'*+\\-.^_\`|~0-9A-Za-z]{1,${MAX_METHOD_BYTES}}$`);
// All registered ones are in capitals: for text that begins with another word, and goes on with no target, the end of its line is not awaited.
const SMALL_LETTER = /[a-z]/;
// Request lines of RTSP and SIP differ only in this (RFC 9112 §3). The rest of the line is checked by its parser.
const VERSION = / HTTP\/1\.[0-9]\r?$/;
const VERSION_BYTES = ' HTTP/1.1\r'.length;
const TARGET = /^(?:\/|http:\/\/)/i;
const ABSOLUTE_TARGET = 'http://';

/** As far as it has come: the same bytes mean the same, however they are cut. */
function mayBeTarget(bytes: Uint8Array, at: number): boolean {
  const begun = targetStart(bytes, at);
  return TARGET.test(begun) || ABSOLUTE_TARGET.startsWith(begun.toLowerCase());
}

function targetStart(bytes: Uint8Array, at: number): string {
  return latin1(bytes, at, at + ABSOLUTE_TARGET.length);
}

/**
 * The start of the first line, behind the one empty line that may come first: some clients send it after the content of a request (RFC
 * 9112 §2.2).
 */
function startOfLine(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== CARRIAGE_RETURN) return 0;
  if (bytes.length < 2) return undefined;
  return bytes[1] === LINE_FEED ? 2 : 0;
}

/** The first word, once a space ends it. */
function readMethod(bytes: Uint8Array, start: number): string {
  const text = latin1(bytes, start, start + MAX_METHOD_BYTES + 1);
  const word = firstWord(bytes, start);
  const isWhole = word.length < text.length;
  if (!isWhole && word === '') return 'incomplete';
  if (!METHOD.test(word)) return 'none';
  return isWhole ? word : 'incomplete';
}

function firstWord(bytes: Uint8Array, start: number): string {
  return latin1(bytes, start, start + MAX_METHOD_BYTES + 1).split(' ', 1)[0] ?? '';
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, Math.min(end, bytes.length) - start)).toString(
    'latin1',
  );
}
