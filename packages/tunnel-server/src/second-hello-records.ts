/** Reads TLS records (RFC 8446 §5.1) only to find out whether a second ClientHello may follow. */
import { type Beginning, compareBeginning } from '@sallyport/tunnel-splice';

/** No bytes. */
export const NOTHING = new Uint8Array(0);

const RECORD_HEADER_BYTES = 5;
/** With the room that encryption may take (RFC 8446 §5.2). */
export const MAX_RECORD_BYTES = RECORD_HEADER_BYTES + 2 ** 14 + 256;
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
/** Besides handshake records. */
const USUAL_TYPES: ReadonlySet<number> = new Set([CHANGE_CIPHER_SPEC, ALERT, APPLICATION_DATA]);
/** Of every TLS version: only by it a record of another type can be told from another protocol. */
const MAJOR_VERSION = 3;

/**
 * How the first bytes of a HelloRetryRequest differ from any other answer of a server: a handshake record with a ServerHello whose random
 * is the SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3). Versions and lengths may be anything.
 */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const SERVER_HELLO = 2;

export const HELLO_RETRY_REQUEST: Beginning = {
  bytes: Buffer.concat([Buffer.of(HANDSHAKE, 0, 0, 0, 0, SERVER_HELLO, 0, 0, 0, 0, 0), RETRY_RANDOM]),
  mask: Buffer.concat([Buffer.of(0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0), Buffer.alloc(RETRY_RANDOM.length, 0xff)]),
};

/** Is this the beginning of a HelloRetryRequest? `undecided` while it still may be. */
export function judgeReply(bytes: Uint8Array): 'retry' | 'other' | 'undecided' {
  const likeness = compareBeginning(HELLO_RETRY_REQUEST, bytes);
  return likeness === 'same' ? 'retry' : likeness;
}

/** What a client has sent behind its first hello: the whole records without a hello in them, and what follows them. */
export interface RecordsBefore {
  readonly records: Uint8Array;
  readonly rest: Uint8Array;
  /** `other`: not a TLS record, so that no server reads a hello in it. */
  readonly next: 'hello' | 'other' | 'need-more';
}

/**
 * A record of a type that is unknown, or longer than RFC 8446 §5.1 allows, does not end the search: s2n-tls skips such records, and reads
 * the hello behind them.
 */
export function takeRecordsBefore(bytes: Uint8Array): RecordsBefore {
  let at = 0;
  while (mayBeOtherRecord(bytes, at)) {
    const end = at + RECORD_HEADER_BYTES + (((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
    if (bytes.length < at + RECORD_HEADER_BYTES || bytes.length < end) {
      return { records: bytes.subarray(0, at), rest: bytes.subarray(at), next: 'need-more' };
    }
    at = end;
  }
  return {
    records: bytes.subarray(0, at),
    rest: bytes.subarray(at),
    next: bytes[at] === HANDSHAKE ? 'hello' : 'other',
  };
}

/** Whether these bytes may be a hello, or the beginning of one. No bytes may still become one. */
export function isSecondHelloPossible(bytes: Uint8Array): boolean {
  return bytes[0] === HANDSHAKE || mayBeOtherRecord(bytes, 0);
}

/** Whether a record may begin there that has no hello in it. No bytes may still become one. */
function mayBeOtherRecord(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at];
  if (type === HANDSHAKE) return false;
  return type === undefined || USUAL_TYPES.has(type) || (bytes[at + 1] ?? MAJOR_VERSION) === MAJOR_VERSION;
}
