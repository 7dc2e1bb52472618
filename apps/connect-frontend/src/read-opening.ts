/** Reads the first bytes that a client sends to the explicit door. */
import {
  type NeedMore,
  type Preread,
  type PrereadLimits,
  prereadUntil,
  recogniseTls,
  type RequestHead,
  type RequestHeadResult,
  type SocksVersion,
  socksVersionOf,
} from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import type { ConnectRequest } from './connect-request.ts';
import { readHead, readRepeatedHead } from './read-head.ts';

/** The first bytes of a client, as far as they could be read. */
export type Opening =
  /** `earlyBytes` follow the head: the first bytes of the tunnel. A copy, so that an idle tunnel does not keep its head in memory. */
  | {
      readonly kind: 'request';
      readonly head: RequestHead;
      /** What the head asks this door for. */
      readonly asks: ConnectRequest;
      readonly earlyBytes: Uint8Array;
      /** All that was read, the head included. */
      readonly bytes: Uint8Array;
    }
  /** It uses TLS; `bytes` is all that was read of it. */
  | { readonly kind: 'tls'; readonly bytes: Uint8Array }
  | (Unread &
      ({ readonly kind: 'malformed'; readonly why: string } | { readonly kind: 'too-large' | 'timed-out' | 'left' }))
  /** It expects a SOCKS proxy. */
  | { readonly kind: 'socks'; readonly version: SocksVersion };

interface Unread {
  /** As much of the request as has arrived: what can be read of it says how to answer. */
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

type Found =
  | Extract<Opening, { kind: 'request' | 'tls' | 'socks' }>
  | Extract<RequestHeadResult, { kind: 'malformed' | 'too-large' }>;

/** Reads from `client` until its request head is whole or can no longer become one. Never reads past the limit. */
export function readOpening(client: Leg, limits: PrereadLimits, alreadyRead: Uint8Array): Opening | Promise<Opening> {
  const preread = prereadUntil(client, limits, alreadyRead, createOpeningScan(limits.prereadLimitBytes));
  return preread instanceof Promise ? preread.then(openingOf) : openingOf(preread);
}

function openingOf({ found, bytes }: Preread<Found>): Opening {
  switch (found.kind) {
    case 'malformed':
    case 'too-large':
    case 'timed-out':
    case 'left':
      return { ...found, bytes };
    case 'request':
    case 'tls':
    case 'socks':
      return found;
  }
}

/** Is given all bytes so far, each time more of them. It remembers its position, so that no byte is scanned twice. */
function createOpeningScan(limitBytes: number): (bytes: Uint8Array) => Found | NeedMore {
  let resumeAt = 0;
  return (bytes) => {
    const needMore: NeedMore = { kind: 'need-more', atLeastBytes: bytes.length + 1 };
    const tls = recogniseTls(bytes);
    if (tls === 'tls') return { kind: 'tls', bytes };
    if (tls === 'undecided') return needMore;
    const socks = socksVersionOf(bytes);
    if (socks !== undefined) return { kind: 'socks', version: socks };

    // The limit makes no difference to what is shorter.
    const isFirstLook = resumeAt === 0 && bytes.length < limitBytes;
    const result = isFirstLook ? readRepeatedHead(bytes) : readHead(bytes, limitBytes, resumeAt);
    if (result.kind === 'need-more') {
      resumeAt = result.resumeAt;
      return needMore;
    }
    if (result.kind !== 'request') return result;
    const { head, asks, headBytes } = result;
    const earlyBytes = headBytes < bytes.length ? new Uint8Array(bytes.subarray(headBytes)) : NO_BYTES;
    return { kind: 'request', head, asks, earlyBytes, bytes };
  };
}
