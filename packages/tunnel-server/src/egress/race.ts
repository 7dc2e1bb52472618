/** Which of several addresses answers first: happy eyeballs (RFC 8305) over literals that policy has permitted. */
import type { Address, Dial, DialOptions, DialResult, Transport } from '@sallyport/tunnel-splice';

/** How long an attempt is alone before the next one starts (RFC 8305 §5, "Connection Attempt Delay"). */
export const ATTEMPT_DELAY_MS = 250;

/**
 * No more of a name's addresses are tried than this, so that one tunnel cannot be made to knock on hundreds of doors.
 */
export const MAX_ATTEMPTS = 8;

/** What is counted of one attempt. Attempts that were cancelled taught nothing and are not counted. */
type AttemptFamily = 'ipv4' | 'ipv6';
type AttemptResult = 'ok' | 'refused' | 'unreachable' | 'timeout' | 'error';

/** The deadline, and whatever else is said of a dial, holds for the race as a whole. */
export interface RaceOptions extends DialOptions {
  readonly dial: Transport['dial'];
  readonly onAttempt?: (family: AttemptFamily, result: AttemptResult) => void;
}

/**
 * Dials the addresses in their order, the next one {@link ATTEMPT_DELAY_MS} after the last or as soon as one fails.
 * The first to connect wins and the others are given up; if all fail, the most telling failure is the result.
 *
 * The caller has sorted the addresses: RFC 6724 is reduced to IPv6 first, alternating, since the race itself finds out
 * which source and destination get on.
 */
export function dialFirst(addresses: readonly Address[], options: RaceOptions): Dial {
  return new Race(addresses.slice(0, MAX_ATTEMPTS), options);
}

/** Several attempts of which one may win. Over when one has, when all have failed, or when it is cancelled. */
class Race implements Dial {
  readonly done: Promise<DialResult>;
  readonly #addresses: readonly Address[];
  readonly #options: RaceOptions;
  readonly #running = new Set<Dial>();
  #next = 0;
  #nextAttempt: NodeJS.Timeout | undefined;
  #failure: FailureKind;
  #settle: ((result: DialResult) => void) | undefined;

  constructor(addresses: readonly Address[], options: RaceOptions) {
    this.#addresses = addresses;
    this.#options = options;
    this.#failure = addresses.length === 0 ? 'unreachable' : 'timeout';
    this.done = new Promise((resolve) => (this.#settle = resolve));
    this.#startNext();
  }

  cancel(): void {
    this.#finish({ kind: 'cancelled' });
  }

  #startNext(): void {
    clearTimeout(this.#nextAttempt);
    const isTimeLeft = performance.now() < this.#options.deadline;
    const address = isTimeLeft ? this.#addresses[this.#next++] : undefined;
    if (!address) {
      if (this.#running.size === 0) this.#finish({ kind: this.#failure });
      return;
    }
    const attempt = this.#options.dial(address, this.#options);
    this.#running.add(attempt);
    void attempt.done.then((result) => this.#attemptOver(attempt, address, result));
    this.#nextAttempt = setTimeout(() => this.#startNext(), ATTEMPT_DELAY_MS);
  }

  #attemptOver(attempt: Dial, address: Address, result: DialResult): void {
    this.#running.delete(attempt);
    if (this.#settle) this.#judge(address, result);
    // A loser that had connected before it could be cancelled.
    else closeUnused(result);
  }

  #judge(address: Address, result: DialResult): void {
    countAttempt(address, result, this.#options);
    if (result.kind === 'connected' || result.kind === 'joined') {
      this.#finish(result);
      return;
    }
    if (result.kind !== 'cancelled') this.#failure = moreTelling(this.#failure, result.kind);
    this.#startNext();
  }

  #finish(result: DialResult): void {
    clearTimeout(this.#nextAttempt);
    this.#settle?.(result);
    this.#settle = undefined;
    for (const loser of this.#running) loser.cancel();
  }
}

/**
 * Ends the connection, if there is one, that nobody wants any more: FIN, not RST, for its other end did nothing wrong.
 */
export function closeUnused(result: DialResult): void {
  if (result.kind === 'connected') result.leg.close();
}

type FailureKind = Exclude<DialResult['kind'], 'connected' | 'joined' | 'cancelled'>;

/**
 * From the least telling to the most: silence, no way there, somebody who says no, our own lack of descriptors, ports
 * or memory, which is nobody else's fault and would hide behind any other word.
 */
const TELLING: readonly FailureKind[] = ['timeout', 'unreachable', 'reset', 'refused', 'exhausted'];

function moreTelling(one: FailureKind, other: FailureKind): FailureKind {
  return TELLING.indexOf(other) > TELLING.indexOf(one) ? other : one;
}

const ATTEMPT_RESULTS = {
  connected: 'ok',
  joined: 'ok',
  refused: 'refused',
  unreachable: 'unreachable',
  timeout: 'timeout',
  // An RST that follows the handshake at once is how some firewalls refuse.
  reset: 'refused',
  exhausted: 'error',
  cancelled: undefined,
} as const satisfies Record<DialResult['kind'], AttemptResult | undefined>;

export function countAttempt(address: Address, result: DialResult, { onAttempt }: RaceOptions): void {
  const counted = ATTEMPT_RESULTS[result.kind];
  if (counted) onAttempt?.(address.host.includes(':') ? 'ipv6' : 'ipv4', counted);
}
