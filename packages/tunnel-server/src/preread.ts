/** Reads from a client before its destination is known: only as much as is needed, within a limit and a deadline. */
import type { Leg, ReadResult } from '@sallyport/tunnel-splice';
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
 * Reads from `client` until `scan` has found what it looks for; returns at once where that has arrived. The scan is given all bytes so
 * far, each time more of them. It must remember its position, or bytes that come one by one take quadratic time.
 */
export function prereadUntil<Found extends { readonly kind: string }>(
  client: Pick<Leg, 'read'>,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
  scan: (bytes: Uint8Array) => Found | NeedMore,
): Preread<Found> | Promise<Preread<Found>> {
  const reading = new Prereading(client, limits, alreadyRead, scan);
  for (;;) {
    const known = reading.look();
    if (known !== undefined) return known;
    const chunk = reading.read();
    if (chunk instanceof Promise) return reading.goOn(chunk);
    const over = reading.take(chunk);
    if (over !== undefined) return over;
  }
}

class Prereading<Found extends { readonly kind: string }> {
  readonly #client: Pick<Leg, 'read'>;
  readonly #limits: PrereadLimits;
  readonly #scan: (bytes: Uint8Array) => Found | NeedMore;
  readonly #queue: ByteQueue;

  constructor(
    client: Pick<Leg, 'read'>,
    limits: PrereadLimits,
    alreadyRead: Uint8Array,
    scan: (bytes: Uint8Array) => Found | NeedMore,
  ) {
    this.#client = client;
    this.#limits = limits;
    this.#scan = scan;
    this.#queue = new ByteQueue(alreadyRead);
  }

  /** Undefined while there are too few bytes to tell. */
  look(): Preread<Found> | undefined {
    const { bytes } = this.#queue;
    const found = this.#scan(bytes);
    if (!isNeedMore(found)) return { found, bytes };
    return found.atLeastBytes > this.#limits.prereadLimitBytes ? { found: { kind: 'too-large' }, bytes } : undefined;
  }

  read(): ReadResult | Promise<ReadResult> {
    const { prereadLimitBytes, deadline } = this.#limits;
    return this.#client.read(prereadLimitBytes - this.#queue.bytes.length, deadline);
  }

  /** Undefined while more may come. */
  take(chunk: ReadResult): Preread<Found> | undefined {
    const { bytes } = this.#queue;
    if (typeof chunk === 'string') return { found: { kind: chunk === 'deadline' ? 'timed-out' : 'left' }, bytes };
    this.#queue.append(chunk);
    return undefined;
  }

  /** From the first read that has to wait. */
  async goOn(first: Promise<ReadResult>): Promise<Preread<Found>> {
    for (let chunk = await first; ; chunk = await this.read()) {
      const known = this.take(chunk) ?? this.look();
      if (known !== undefined) return known;
    }
  }
}

function isNeedMore(found: { readonly kind: string }): found is NeedMore {
  return found.kind === 'need-more';
}
