/** Reads from a client before its destination is known: only as much as is needed, within a limit and a deadline. */
import type { Departure, Leg, ReadResult } from '@sallyport/tunnel-splice';
import { ByteQueue } from './byte-queue.ts';
import type { PrereadLimits } from './frontend.ts';

/** The scan needs at least `atLeastBytes` in all before it can find out more. */
export interface NeedMore {
  readonly kind: 'need-more';
  readonly atLeastBytes: number;
}

/** Why the bytes will never suffice: the limit, the deadline, or the client's FIN or RST. */
export type NeverEnough =
  { readonly kind: 'too-large' } | { readonly kind: 'timed-out' } | { readonly kind: 'left'; readonly how: Departure };

/** What was found, and every byte that was read for it. */
export interface Preread<Found> {
  readonly found: Found | NeverEnough;
  readonly bytes: Uint8Array;
}

/**
 * Reads from `client` until `scan` has found what it looks for; returns at once where that has arrived. The scan is given all bytes so
 * far, each time more of them, and at least one. It must remember its position, or bytes that come one by one take quadratic time.
 */
export function prereadUntil<Found extends { readonly kind: string }>(
  client: Pick<Leg, 'read'>,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
  scan: Scan<Found>,
): Preread<Found> | Promise<Preread<Found>> {
  const first = alreadyRead.length > 0 ? alreadyRead : client.read(limits.prereadLimitBytes, limits.deadline);
  if (typeof first === 'string') return { found: ended(first), bytes: alreadyRead };
  if (first instanceof Promise) return new Prereading(client, limits, NO_BYTES, scan).goOn(first);
  // Nearly all send it in one piece.
  return look(first, scan, limits) ?? new Prereading(client, limits, first, scan).readOn();
}

/**
 * For a client that is refused whatever comes: the rest of its request may say how it wants to be answered, and where it wanted to go.
 * It is not awaited for long.
 */
export function limitsForWishes({ prereadLimitBytes, deadline }: PrereadLimits): PrereadLimits {
  return { prereadLimitBytes, deadline: Math.min(deadline, performance.now() + WISHES_WITHIN_MS) };
}

/** Most clients send their request in one piece, or its pieces right behind each other. */
const WISHES_WITHIN_MS = 250;

type Scan<Found> = (bytes: Uint8Array) => Found | NeedMore;

const NO_BYTES = new Uint8Array(0);

/** Undefined while there are too few bytes to tell. */
function look<Found extends { readonly kind: string }>(
  bytes: Uint8Array,
  scan: Scan<Found>,
  { prereadLimitBytes }: PrereadLimits,
): Preread<Found> | undefined {
  const found = scan(bytes);
  if (!isNeedMore(found)) return { found, bytes };
  return found.atLeastBytes > prereadLimitBytes ? { found: { kind: 'too-large' }, bytes } : undefined;
}

function ended(read: Exclude<ReadResult, Uint8Array>): NeverEnough {
  return read === 'deadline' ? { kind: 'timed-out' } : { kind: 'left', how: read };
}

/** Of a client that sends it in several pieces, or has still to send it. */
class Prereading<Found extends { readonly kind: string }> {
  readonly #client: Pick<Leg, 'read'>;
  readonly #limits: PrereadLimits;
  readonly #scan: Scan<Found>;
  readonly #queue: ByteQueue;

  constructor(client: Pick<Leg, 'read'>, limits: PrereadLimits, alreadyRead: Uint8Array, scan: Scan<Found>) {
    this.#client = client;
    this.#limits = limits;
    this.#scan = scan;
    this.#queue = new ByteQueue(alreadyRead);
  }

  readOn(): Preread<Found> | Promise<Preread<Found>> {
    for (;;) {
      const chunk = this.#read();
      if (chunk instanceof Promise) return this.goOn(chunk);
      const known = this.#take(chunk);
      if (known !== undefined) return known;
    }
  }

  /** From the first read that has to wait. */
  async goOn(first: Promise<ReadResult>): Promise<Preread<Found>> {
    for (let chunk = await first; ; chunk = await this.#read()) {
      const known = this.#take(chunk);
      if (known !== undefined) return known;
    }
  }

  #read(): ReadResult | Promise<ReadResult> {
    const { prereadLimitBytes, deadline } = this.#limits;
    return this.#client.read(prereadLimitBytes - this.#queue.bytes.length, deadline);
  }

  /** Undefined while more may come. */
  #take(chunk: ReadResult): Preread<Found> | undefined {
    if (typeof chunk === 'string') return { found: ended(chunk), bytes: this.#queue.bytes };
    return look(this.#queue.append(chunk), this.#scan, this.#limits);
  }
}

function isNeedMore(found: { readonly kind: string }): found is NeedMore {
  return found.kind === 'need-more';
}
