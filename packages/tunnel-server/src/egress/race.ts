/** Which of several addresses answers first: happy eyeballs (RFC 8305) over literals that policy has permitted. */
import type { Address, Dial, DialOptions, DialResult, Transport } from '@sallyport/tunnel-splice';
import type { Work } from '../abandon.ts';

/** How long an attempt is alone before the next one starts (RFC 8305 §5, "Connection Attempt Delay"). */
export const ATTEMPT_DELAY_MS = 250;

/**
 * So many attempts of one race may be under way. With one more, the oldest is given up, which has had its delay as many times over
 * (4 s): a name with many silent addresses holds no more sockets, and its last address is tried all the same.
 */
export const MAX_UNDER_WAY = 16;

/** Addresses that may be dialled, in dialling order. */
export interface DialList extends ReadonlyArray<Address> {
  /** What may still come, where the name servers have not said all (RFC 8305 §3). */
  readonly late?: LateAddresses;
}

/** Addresses that join a race under way. They may be dialled too, and may hold those that are known already. */
export interface LateAddresses {
  /** False: nobody is asking for them, and only a race that has nothing else left does. */
  readonly isUnderWay: boolean;
  /** Called at most once. Never rejects. */
  ask(): Work<readonly Address[]>;
}

/** What is counted of one attempt. Attempts that were cancelled taught nothing and are not counted. */
type AttemptFamily = 'ipv4' | 'ipv6';
type AttemptResult = 'ok' | 'refused' | 'unreachable' | 'timeout' | 'error';

/** The deadline, and whatever else is said of a dial, holds for the race as a whole. */
export interface RaceOptions extends DialOptions {
  readonly dial: Transport['dial'];
  /** Told once whether the race came to what was wanted of it. */
  readonly onOutcome?: ((isWanted: boolean) => void) | undefined;
  readonly onAttempt?: (family: AttemptFamily, result: AttemptResult) => void;
}

/**
 * Dials the addresses in their order, the next one {@link ATTEMPT_DELAY_MS} after the last or as soon as one fails; those that come
 * late are tried first, in turn with the rest, as they are of the other family. The first to connect wins and the others are given
 * up. If all fail, and no more can come, the most telling failure is the result.
 *
 * What bounds a race is its deadline and {@link MAX_UNDER_WAY}: an address that refuses at once costs next to nothing.
 *
 * The caller has sorted the addresses: RFC 6724 is reduced to IPv6 first, alternating, since the race itself finds out
 * which source and destination get on.
 */
export function dialFirst(addresses: DialList, options: RaceOptions): Dial {
  return new Race(addresses, options);
}

/** Several attempts of which one may win. Over when one has, when all have failed, or when it is cancelled. */
class Race implements Dial {
  readonly done: Promise<DialResult>;
  readonly #options: RaceOptions;
  readonly #running = new Set<Dial>();
  #addresses: readonly Address[];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Not asked for yet. */
  #late: LateAddresses | undefined;
  #asked: Work<readonly Address[]> | undefined;
  /** An attempt would start now, if there were an address. */
  #isDue = false;
  #failure: FailureKind;
  #settle: ((result: DialResult) => void) | undefined;

  constructor(addresses: DialList, options: RaceOptions) {
    this.#addresses = addresses;
    this.#late = addresses.late;
    this.#options = options;
    this.#failure = addresses.length === 0 ? 'unreachable' : 'timeout';
    this.done = new Promise((resolve) => (this.#settle = resolve));
    if (this.#late?.isUnderWay) this.#askForMore();
    this.#startNext();
  }

  cancel(): void {
    this.#finish({ kind: 'cancelled' });
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const isTimeLeft = performance.now() < this.#options.deadline;
    const address = isTimeLeft ? this.#addresses[this.#next] : undefined;
    this.#isDue = address === undefined;
    if (address) this.#start(address);
    else this.#ranOut(isTimeLeft);
  }

  #start(address: Address): void {
    this.#next += 1;
    const [oldest] = this.#running;
    if (oldest && this.#running.size >= MAX_UNDER_WAY) {
      this.#running.delete(oldest);
      oldest.cancel();
    }
    const attempt = this.#options.dial(address, this.#options);
    this.#running.add(attempt);
    void attempt.done.then((result) => this.#attemptOver(attempt, address, result));
    this.#timer = setTimeout(() => this.#startNext(), ATTEMPT_DELAY_MS);
  }

  /** There is no further address, or no time for one. */
  #ranOut(isTimeLeft: boolean): void {
    if (isTimeLeft) this.#askForMore();
    if (this.#running.size > 0) return;
    if (!isTimeLeft || !this.#asked) this.#finish({ kind: this.#failure });
    // Only what is to come keeps it going, and that may take longer than there is time.
    else this.#timer = setTimeout(() => this.#startNext(), millisecondsUntil(this.#options.deadline));
  }

  #askForMore(): void {
    if (!this.#late) return;
    this.#asked = this.#late.ask();
    this.#late = undefined;
    void this.#asked.done.then((addresses) => this.#join(addresses));
  }

  #join(late: readonly Address[]): void {
    this.#asked = undefined;
    if (!this.#settle) return;
    const known = this.#addresses;
    const fresh = late.filter((one) => !known.some(({ host, port }) => host === one.host && port === one.port));
    const left = known.slice(this.#next);
    this.#addresses = [...known.slice(0, this.#next), ...alternate(fresh, left)];
    if (this.#isDue) this.#startNext();
  }

  #attemptOver(attempt: Dial, address: Address, result: DialResult): void {
    const isGivenUp = !this.#running.delete(attempt);
    // A loser that had connected before it could be cancelled.
    if (!this.#settle) closeUnused(result);
    else if (!isGivenUp || isWin(result)) this.#judge(address, result);
  }

  #judge(address: Address, result: DialResult): void {
    countAttempt(address, result, this.#options);
    if (isWin(result)) {
      this.#finish(result);
      return;
    }
    if (result.kind !== 'cancelled') this.#failure = moreTelling(this.#failure, result.kind);
    this.#startNext();
  }

  #finish(result: DialResult): void {
    clearTimeout(this.#timer);
    this.#settle?.(result);
    this.#settle = undefined;
    this.#asked?.cancel();
    this.#asked = undefined;
    for (const loser of this.#running) loser.cancel();
  }
}

function isWin(result: DialResult): result is Extract<DialResult, { kind: 'connected' | 'joined' }> {
  return result.kind === 'connected' || result.kind === 'joined';
}

/** One of the first, one of the others, and so on. */
function alternate(first: readonly Address[], others: readonly Address[]): readonly Address[] {
  const longest = Math.max(first.length, others.length);
  return Array.from({ length: longest }, (_, at) => [...first.slice(at, at + 1), ...others.slice(at, at + 1)]).flat();
}

/** The longest that a timer of Node.js can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function millisecondsUntil(deadline: number): number {
  return Math.min(Math.max(0, deadline - performance.now()), LONGEST_TIMER_MS);
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
const TELLING: readonly FailureKind[] = ['timeout', 'unreachable', 'reset', 'refused', 'untrusted', 'exhausted'];

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
  untrusted: 'error',
  exhausted: 'error',
  cancelled: undefined,
} as const satisfies Record<DialResult['kind'], AttemptResult | undefined>;

export function countAttempt(address: Address, result: DialResult, { onAttempt }: RaceOptions): void {
  const counted = ATTEMPT_RESULTS[result.kind];
  if (counted) onAttempt?.(address.host.includes(':') ? 'ipv6' : 'ipv4', counted);
}
