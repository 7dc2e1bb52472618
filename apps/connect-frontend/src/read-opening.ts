/** The first words of a client at the explicit door. */
import type { PrereadLimits } from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import { PrereadBuffer } from './preread-buffer.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';
import { recogniseTls } from './tls-opening.ts';

/** What a client opened with, or why there is nothing to go on. */
export type Opening =
  /** `earlyBytes` came behind the head: the first of the tunnel. A copy, so that an idle tunnel does not keep its head alive. */
  | {
      readonly kind: 'request';
      readonly head: RequestHead;
      readonly earlyBytes: Uint8Array;
      /** All that was read, the head included. */
      readonly bytes: Uint8Array;
    }
  /** It speaks TLS; `bytes` is all that was read of it. */
  | { readonly kind: 'tls'; readonly bytes: Uint8Array }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'timed-out'; readonly isSilent: boolean }
  | { readonly kind: 'left' };

/** Reads from `client` until its request head is whole or can no longer become one. Never reads past the limit. */
export async function readOpening(client: Leg, limits: PrereadLimits, alreadyRead: Uint8Array): Promise<Opening> {
  const { prereadLimitBytes, deadline } = limits;
  const preread = new PrereadBuffer(alreadyRead);
  let resumeAt = 0;
  for (;;) {
    const found = recogniseOpening(preread.bytes, prereadLimitBytes, resumeAt);
    if (found.kind !== 'need-more') return found;
    resumeAt = found.resumeAt;

    const chunk = await client.read(prereadLimitBytes - preread.bytes.length, deadline);
    if (chunk === 'deadline') return { kind: 'timed-out', isSilent: preread.bytes.length === 0 };
    // A FIN counts as much as an RST: who closes before the tunnel is up has left.
    if (chunk === 'end' || chunk === 'reset') return { kind: 'left' };
    preread.append(chunk);
  }
}

type NeedMore = { readonly kind: 'need-more'; readonly resumeAt: number };

function recogniseOpening(bytes: Uint8Array, limitBytes: number, resumeAt: number): Opening | NeedMore {
  const tls = recogniseTls(bytes);
  if (tls === 'tls') return { kind: 'tls', bytes };
  if (tls === 'undecided') return { kind: 'need-more', resumeAt: 0 };

  const result = parseRequestHead(bytes, limitBytes, resumeAt);
  if (result.kind !== 'head') return result;
  return { kind: 'request', head: result.head, earlyBytes: new Uint8Array(bytes.subarray(result.headBytes)), bytes };
}
