/** Reads from a client before its destination is known: only as much as is needed, within a limit and a deadline. */
import type { Leg } from '@sallyport/tunnel-splice';
import { ByteQueue } from './byte-queue.ts';
import type { PrereadLimits } from './frontend.ts';

/** The scan needs at least `atLeastBytes` in all before it can find out more. */
export interface NeedMore {
  readonly kind: 'need-more';
  readonly atLeastBytes: number;
}

/** Why the bytes will never suffice: the limit, the deadline, or the client's FIN or RST. */
export type NeverEnough = { readonly kind: 'too-large' } | { readonly kind: 'timed-out' } | { readonly kind: 'left' };

/** What was found, and every byte that was read for it. */
export interface Preread<Found> {
  readonly found: Found | NeverEnough;
  readonly bytes: Uint8Array;
}

/**
 * Reads from `client` until `scan` has found what it looks for. The scan is given all bytes so far, each time more of them. It must
 * remember its position, or bytes that come one by one take quadratic time.
 */
export async function prereadUntil<Found extends { readonly kind: string }>(
  client: Pick<Leg, 'read'>,
  { prereadLimitBytes, deadline }: PrereadLimits,
  alreadyRead: Uint8Array,
  scan: (bytes: Uint8Array) => Found | NeedMore,
): Promise<Preread<Found>> {
  const queue = new ByteQueue(alreadyRead);
  for (;;) {
    const { bytes } = queue;
    const found = scan(bytes);
    if (!isNeedMore(found)) return { found, bytes };
    if (found.atLeastBytes > prereadLimitBytes) return { found: { kind: 'too-large' }, bytes };

    const chunk = await client.read(prereadLimitBytes - bytes.length, deadline);
    if (typeof chunk === 'string') return { found: { kind: chunk === 'deadline' ? 'timed-out' : 'left' }, bytes };
    queue.append(chunk);
  }
}

function isNeedMore(found: { readonly kind: string }): found is NeedMore {
  return found.kind === 'need-more';
}
