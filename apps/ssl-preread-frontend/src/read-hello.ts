/** Reads a client's ClientHello from bytes that may arrive in any pieces. */
import { prereadUntil, type NeedMore, type Preread, type PrereadLimits } from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import { readClientHello, type ClientHello } from './client-hello.ts';
import { readSslv2Hello } from './sslv2-hello.ts';
import { HANDSHAKE_RECORD, readHandshake, START_OF_RECORDS } from './tls-record.ts';

/** The first bytes of a client. `not-tls` is certain after the first few bytes, and does not say what it is instead. */
export type HelloFound =
  /** `endsAt`: where the hello ends, and the bytes behind it begin. */
  | (Extract<ClientHello, { kind: 'hello' }> & { readonly endsAt: number })
  | Exclude<ClientHello, { kind: 'hello' }>
  | { readonly kind: 'not-tls' };

/**
 * Reads from `client` until its ClientHello is whole or can no longer become one. Throws nothing. In any case `bytes` is all that was
 * read, with the bytes behind the hello.
 * @param alreadyRead what was read from this client before; behind an earlier request that may be more than the limit
 */
export function readHello(
  client: Leg,
  limits: PrereadLimits,
  alreadyRead: Uint8Array = NO_BYTES,
): Preread<HelloFound> | Promise<Preread<HelloFound>> {
  return prereadUntil(client, limits, alreadyRead, createHelloScan(limits.prereadLimitBytes));
}

const NO_BYTES = new Uint8Array(0);

/** Is given all bytes so far, each time more of them. It remembers its position, so that no record is read twice. */
export function createHelloScan(limitBytes = Infinity): (bytes: Uint8Array) => HelloFound | NeedMore {
  let cursor = START_OF_RECORDS;
  return (bytes) => {
    if (bytes.length === 0) return { kind: 'need-more', atLeastBytes: 1 };
    if (bytes[0] !== HANDSHAKE_RECORD) return readSslv2Hello(bytes);

    const handshake = readHandshake(bytes, cursor);
    if (handshake.kind === 'need-more') cursor = handshake.cursor;
    if (handshake.kind !== 'message') return handshake;
    const { message, start, end, endsAt } = handshake;
    if (endsAt > limitBytes) return { kind: 'need-more', atLeastBytes: endsAt };
    const read = readClientHello(message, start, end);
    return read.kind === 'hello' ? { kind: 'hello', hello: read.hello, endsAt } : read;
  };
}
