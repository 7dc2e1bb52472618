/** Reads a request head and what it asks for. A head that clients repeat is not parsed again. */
import { parseRequestHead, type RequestHead, type RequestHeadResult } from '@sallyport/tunnel-server';
import { BytesMemo } from '@sallyport/tunnel-splice';
import { type ConnectRequest, parseConnectRequest } from './connect-request.ts';

/** A head and what it asks for, or why there is none. */
export type HeadRead =
  | { readonly kind: 'request'; readonly head: RequestHead; readonly asks: ConnectRequest; readonly headBytes: number }
  | Exclude<RequestHeadResult, { kind: 'head' }>;

/** Never throws. The parameters are those of `parseRequestHead`. */
export function readHead(bytes: Uint8Array, limitBytes: number, resumeAt: number): HeadRead {
  const result = parseRequestHead(bytes, limitBytes, resumeAt);
  if (result.kind !== 'head') return result;
  return { kind: 'request', head: result.head, asks: parseConnectRequest(result.head), headBytes: result.headBytes };
}

/** Reads all of `bytes` from their start, without a limit: a program asks for the same destination in the same words. */
export function readRepeatedHead(bytes: Uint8Array): HeadRead {
  return HEADS.meaningOf(bytes, 0, bytes.length);
}

const HEADS = new BytesMemo<HeadRead>({
  places: 256,
  longestBytes: 512,
  read: (bytes, start, end) => readHead(bytes.subarray(start, end), Infinity, 0),
  isKept: mayBeKept,
});

/** What may hold a secret does not stay in memory: only a CONNECT with fields that never hold one is kept, and nothing behind it. */
export function mayBeKept(read: HeadRead, lengthBytes: number): boolean {
  if (read.kind !== 'request' || read.asks.kind !== 'connect' || read.headBytes < lengthBytes) return false;
  return isWithoutSecret(read.head);
}

/** Whether all its fields are of those that never hold a secret. */
export function isWithoutSecret({ fields }: RequestHead): boolean {
  return fields.every(({ name }) => FIELDS_WITHOUT_SECRET.has(name));
}

const FIELDS_WITHOUT_SECRET: ReadonlySet<string> = new Set(['host', 'user-agent', 'connection', 'proxy-connection']);
