/** The record layer (RFC 8446 §5.1): joins one handshake message that the client split over any number of records. */
import { malformed, type Malformed } from './malformed.ts';
import type { NeedMore } from '@sallyport/tunnel-server';

/** The content type of a handshake record: the first byte of every TLS connection. */
export const HANDSHAKE_RECORD = 22;

const RECORD_HEADER_BYTES = 5;
const MAX_FRAGMENT_BYTES = 2 ** 14;
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;

/** How far the records have been read. A value, so that each call continues where the last one stopped. */
export interface RecordCursor {
  /** Where a record header starts. */
  readonly recordAt: number;
  /** How many handshake bytes the records before it hold. */
  readonly gathered: number;
}

/** Where the first call begins. */
export const START_OF_RECORDS: RecordCursor = { recordAt: 0, gathered: 0 };

/** The first handshake message of the records, as far as it has come. */
export type Handshake =
  /** The whole ClientHello with its 4-byte header, without record headers: what lies between `start` and `end` of `message`. */
  | {
      readonly kind: 'message';
      readonly message: Uint8Array;
      readonly start: number;
      readonly end: number;
      /** Where the record ends that it ends in. */
      readonly endsAt: number;
    }
  | Malformed
  | (NeedMore & { readonly cursor: RecordCursor });

/**
 * Reads the ClientHello at the start of `bytes`. Records may be cut anywhere, also inside the message's own header. A fault is found at
 * the first byte that shows it. A call reads only the records behind the cursor.
 * @param cursor what the last call returned
 */
export function readHandshake(bytes: Uint8Array, cursor: RecordCursor): Handshake {
  let { recordAt, gathered } = cursor;
  for (;;) {
    const record = readRecordHeader(bytes, recordAt);
    if (record.kind === 'malformed') return record;
    const fragmentAt = recordAt + RECORD_HEADER_BYTES;
    const arrived = record.kind === 'header' ? Math.min(bytes.length - fragmentAt, record.fragmentBytes) : 0;

    const header = readMessageHeader(bytes, gathered + arrived);
    if (header.kind === 'malformed') return header;
    const missing = header.messageBytes - gathered;
    if (missing <= arrived) {
      // A server that reads on would find another message in the same record, perhaps another ClientHello.
      if (record.kind === 'header' && missing < record.fragmentBytes)
        return malformed('its last record holds more than it');
      return wholeMessage(bytes, header.messageBytes, fragmentAt + missing);
    }

    if (record.kind === 'incomplete' || arrived < record.fragmentBytes) {
      return { kind: 'need-more', atLeastBytes: fragmentAt + missing, cursor: { recordAt, gathered } };
    }
    recordAt = fragmentAt + record.fragmentBytes;
    gathered += record.fragmentBytes;
  }
}

/** In its place where one record contains it, as nearly always. */
function wholeMessage(bytes: Uint8Array, messageBytes: number, endsAt: number): Handshake {
  if (isInFirstRecord(bytes, messageBytes)) {
    const start = RECORD_HEADER_BYTES;
    return { kind: 'message', message: bytes, start, end: start + messageBytes, endsAt };
  }
  return { kind: 'message', message: gatherFragments(bytes, messageBytes), start: 0, end: messageBytes, endsAt };
}

type RecordHeader = { readonly kind: 'header'; readonly fragmentBytes: number } | { readonly kind: 'incomplete' };

function readRecordHeader(bytes: Uint8Array, at: number): RecordHeader | Malformed {
  const type = bytes[at];
  const major = bytes[at + 1];
  const lengthHigh = bytes[at + 3];
  const lengthLow = bytes[at + 4];
  if (type !== undefined && type !== HANDSHAKE_RECORD) return malformed('it is cut off by a record of another type');
  // The minor version "MUST be ignored for all purposes" (RFC 8446 §5.1).
  if (major !== undefined && major !== 3) return malformed('a record has a version that no TLS has');
  if (lengthHigh === undefined || lengthLow === undefined) return { kind: 'incomplete' };
  const fragmentBytes = (lengthHigh << 8) | lengthLow;
  // Forbidden, and a way to make us read without an end (RFC 8446 §5.1).
  if (fragmentBytes === 0) return malformed('a record is empty');
  if (fragmentBytes > MAX_FRAGMENT_BYTES) return malformed(`a record is longer than ${MAX_FRAGMENT_BYTES} bytes`);
  return { kind: 'header', fragmentBytes };
}

type MessageHeader = { readonly kind: 'header'; readonly messageBytes: number };

/** How long the message is, with its header; while the header is not whole, the least it can be. */
function readMessageHeader(bytes: Uint8Array, arrived: number): MessageHeader | Malformed {
  const isWhole = arrived >= MESSAGE_HEADER_BYTES;
  const count = isWhole ? MESSAGE_HEADER_BYTES : arrived;
  const isInFirst = isInFirstRecord(bytes, count);
  const header = isInFirst ? bytes : gatherFragments(bytes, count);
  const at = isInFirst ? RECORD_HEADER_BYTES : 0;
  if (arrived > 0 && header[at] !== CLIENT_HELLO) return malformed('the handshake begins with another message');
  const bodyBytes = isWhole ? ((header[at + 1] ?? 0) << 16) | uint16At(header, at + 2) : 0;
  return { kind: 'header', messageBytes: MESSAGE_HEADER_BYTES + bodyBytes };
}

/** Whether it contains the first `count` handshake bytes. */
function isInFirstRecord(bytes: Uint8Array, count: number): boolean {
  return fragmentBytesAt(bytes, 0) >= count;
}

/** The first `count` handshake bytes, all of which have arrived. */
function gatherFragments(bytes: Uint8Array, count: number): Uint8Array {
  const message = new Uint8Array(count);
  for (let recordAt = 0, filled = 0; filled < count;) {
    const fragmentAt = recordAt + RECORD_HEADER_BYTES;
    const fragmentBytes = fragmentBytesAt(bytes, recordAt);
    message.set(bytes.subarray(fragmentAt, fragmentAt + Math.min(fragmentBytes, count - filled)), filled);
    filled += fragmentBytes;
    recordAt = fragmentAt + fragmentBytes;
  }
  return message;
}

/** The length in the header of the record there. */
function fragmentBytesAt(bytes: Uint8Array, recordAt: number): number {
  return uint16At(bytes, recordAt + RECORD_HEADER_BYTES - 2);
}

function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
