/** Reads a client's request head from bytes that may arrive in any pieces. */
import type { Leg } from '@sallyport/tunnel-splice';
import { departed } from '../departed.ts';
import type { PrereadLimits } from '../frontend.ts';
import { type NeedMore, type Preread, prereadUntil } from '../preread.ts';
import { TunnelError } from '../reasons.ts';
import { malformedRequest, oversizedHead } from './malformed-request.ts';
import { parseRequestHead, type RequestHead, type RequestHeadResult } from './request-head.ts';

/** A whole request head, and what came with it. */
export interface ReadHead {
  readonly head: RequestHead;
  /** Bytes behind it. */
  readonly unread: Uint8Array;
}

/** All that was read for a request head, whether or not it is one. */
export type ReadForHead = Preread<Found>;

/** Reads until the head is whole, or can no longer become one. */
export async function readForHead(client: Leg, limits: PrereadLimits, alreadyRead: Uint8Array): Promise<ReadForHead> {
  return prereadUntil(client, limits, alreadyRead, createHeadScan(limits.prereadLimitBytes));
}

/** Throws a TunnelError: `malformed`, `too_large`, `handshake_timeout` or `client_closed`. */
export function requireHead({ found, bytes }: ReadForHead, { prereadLimitBytes }: PrereadLimits): ReadHead {
  switch (found.kind) {
    case 'head':
      return { head: found.head, unread: bytes.subarray(found.headBytes) };
    case 'malformed':
      throw malformedRequest(found.why);
    case 'too-large':
      throw oversizedHead(prereadLimitBytes);
    case 'timed-out':
      throw new TunnelError('handshake_timeout', 'The request head was not complete in time.');
    case 'left':
      throw departed(bytes.length, 'its request head was complete');
  }
}

type Found = Exclude<RequestHeadResult, { kind: 'need-more' }>;

/** Is given all bytes so far, each time more of them. It remembers its position, so that no byte is scanned twice. */
function createHeadScan(limitBytes: number): (bytes: Uint8Array) => Found | NeedMore {
  let resumeAt = 0;
  return (bytes) => {
    const result = parseRequestHead(bytes, limitBytes, resumeAt);
    if (result.kind !== 'need-more') return result;
    ({ resumeAt } = result);
    return { kind: 'need-more', atLeastBytes: bytes.length + 1 };
  };
}
