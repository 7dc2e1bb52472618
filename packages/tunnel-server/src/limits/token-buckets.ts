/** One token bucket per client, in one number per client, for as long as it says anything. */

/** How many new connections a second, per client. */
export type RatePerSecond = number;

export type ClientKey = number | string;

/**
 * Token buckets as the generic cell rate algorithm keeps them (ITU-T I.371, the "virtual scheduling" form): a bucket is
 * the moment at which it will be full again. Each token taken moves that moment on by one refill interval, and a token
 * is there as long as the moment is less than a burst away. Refilling is the clock's work: no timer, no write.
 *
 * A bucket that is full again says nothing, and the emptiest is full after one burst’s time. So two generations of that
 * age are all the memory there is: a bucket nobody touched for a whole generation goes with it, without being looked
 * at.
 */
export class TokenBuckets {
  #young = new Map<ClientKey, number>();
  #old = new Map<ClientKey, number>();
  #youngSince = 0;

  /** Takes a token. Returns 0, or how many milliseconds until there is one to take. */
  take(client: ClientKey, rate: RatePerSecond, now: number): number {
    const intervalMs = 1000 / rate;
    const burstMs = burstTokens(rate) * intervalMs;
    this.#dropFullBuckets(burstMs, now);
    const fullAt = Math.max(this.#young.get(client) ?? this.#old.get(client) ?? now, now) + intervalMs;
    const waitMs = fullAt - now - burstMs;
    if (waitMs > ROUNDING_MS) return waitMs;
    this.#young.set(client, fullAt);
    return 0;
  }

  /** How many buckets are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #dropFullBuckets(burstMs: number, now: number): void {
    const age = now - this.#youngSince;
    if (age < burstMs) return;
    this.#old = age < 2 * burstMs ? this.#young : new Map<ClientKey, number>();
    this.#young = new Map<ClientKey, number>();
    this.#youngSince = now;
  }
}

/** What of a wait is rounding: a third of a second added three times is not quite a second. */
const ROUNDING_MS = 0.001;

/** One second's worth, and at least one: a bucket that cannot hold a token would never admit anybody. */
function burstTokens(rate: RatePerSecond): number {
  return Math.max(1, rate);
}
