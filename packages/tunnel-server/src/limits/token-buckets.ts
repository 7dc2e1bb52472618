/** One token bucket per client, stored as one number, and forgotten once it is full. */
import type { ClientKey } from './client-key.ts';

/** How many new connections a second, per client. */
export type RatePerSecond = number;

/**
 * Token buckets by the generic cell rate algorithm (ITU-T I.371, the "virtual scheduling" form). A bucket is stored as the time at which
 * it will be full again. Each token taken moves that time on by one refill interval, and a token is there as long as the time is less
 * than a burst away. Refilling needs no timer and no write.
 *
 * A full bucket need not be stored, and an empty one is full after one burst’s time. So two generations of that age are enough: a bucket
 * that was not used for a whole generation is dropped with it, without being examined.
 */
export class TokenBuckets {
  #young = new Map<ClientKey, number>();
  #old = new Map<ClientKey, number>();
  #youngSince = 0;

  /** Takes a token. Returns 0, or how many milliseconds until there is one to take. */
  take(client: ClientKey, rate: RatePerSecond, now: number): number {
    const waitMs = this.ask(client, rate, now);
    if (waitMs === 0) this.#young.set(client, this.#fullAt(client, rate, now));
    return waitMs;
  }

  /** What `take` would return; takes nothing. */
  ask(client: ClientKey, rate: RatePerSecond, now: number): number {
    const burstMs = (burstTokens(rate) * 1000) / rate;
    this.#dropFullBuckets(burstMs, now);
    const waitMs = this.#fullAt(client, rate, now) - now - burstMs;
    return waitMs > ROUNDING_MS ? waitMs : 0;
  }

  /** When the bucket would be full again, with one more token taken. */
  #fullAt(client: ClientKey, rate: RatePerSecond, now: number): number {
    return Math.max(this.#young.get(client) ?? this.#old.get(client) ?? now, now) + 1000 / rate;
  }

  /** How many buckets are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #dropFullBuckets(burstMs: number, now: number): void {
    const age = now - this.#youngSince;
    if (age < burstMs && this.#young.size < GENERATION_ENTRIES) return;
    this.#old = age < 2 * burstMs ? this.#young : new Map<ClientKey, number>();
    this.#young = new Map<ClientKey, number>();
    this.#youngSince = now;
  }
}

/** Under a flood from more clients than that, buckets are dropped before they are full. Some 10 MB for each scope. */
const GENERATION_ENTRIES = 65_536;

/** Rounding errors: a third of a second added three times is not exactly a second. */
const ROUNDING_MS = 0.001;

/** One second's worth, and at least one: a bucket that cannot hold a token would never admit a client. */
function burstTokens(rate: RatePerSecond): number {
  return Math.max(1, rate);
}
