/** Dials several addresses and takes the first that connects: happy eyeballs (RFC 8305) over literals that the policy has permitted. */
import type { DialFamily, DialMetricResult } from '@sallyport/telemetry';
import {
  type Address,
  type Dial,
  DialEnd,
  type DialOptions,
  type DialResult,
  type Transport,
} from '@sallyport/tunnel-splice';
import type { Work } from '../abandon.ts';
import { LONGEST_TIMER_MS } from '../alarm.ts';

/** How long the latest attempt runs before the next one starts (RFC 8305 §5, "Connection Attempt Delay"). */
export const ATTEMPT_DELAY_MS = 250;

/**
 * So many attempts of one race may be under way. When one more starts, the oldest is cancelled, which has had 4 s by then. So a name with
 * many silent addresses holds no more sockets, and its last address is tried all the same.
 */
export const MAX_UNDER_WAY = 16;

/** Addresses that may be dialled, in dialling order. */
export interface DialList extends ReadonlyArray<Address> {
  /** Addresses that may still come, where not all name servers have answered (RFC 8305 §3). */
  readonly late?: LateAddresses;
}

/** No further address is awaited. */
export function isWhole(addresses: DialList): boolean {
  return addresses.late === undefined;
}

/** Addresses that join a running race. They may be dialled too, and may include known ones. */
export interface LateAddresses {
  /** False: no query for them is under way. A race queries for them only when it has no other address left. */
  readonly isUnderWay: boolean;
  /** Undefined once they are known. */
  readonly missing?: 'IPv4' | 'IPv6' | undefined;
  /** Called at most once. Never rejects. */
  ask(): Work<readonly Address[]>;
}

/** The deadline and the other options hold for the whole race. */
export interface RaceOptions extends DialOptions {
  readonly dial: Transport['dial'];
  /** Called once: did the race have the wanted result? Not called where its result says nothing of the way out. */
  readonly onOutcome?: ((isWanted: boolean) => void) | undefined;
  /** Called for each attempt that has ended; not for one that was cancelled, which has no result. */
  readonly onAttempt?: (family: DialFamily, result: DialMetricResult) => void;
}

/**
 * Dials the addresses in their order, the next one {@link ATTEMPT_DELAY_MS} after the last or as soon as one fails. Late addresses are of
 * the other family: they are tried first, in turn with the rest. The first to connect wins and the others are cancelled. If all fail, and
 * no more can come, the failure that says most is the result.
 *
 * A race is bounded by its deadline and {@link MAX_UNDER_WAY}: an address that refuses at once costs next to nothing.
 *
 * The caller has sorted the addresses. RFC 6724 is reduced to IPv6 first, alternating, since the race itself finds out which source and
 * destination work together.
 */
export function dialFirst(addresses: DialList, options: RaceOptions): Racing {
  return new Race(addresses, options);
}

/** A race under way. */
export interface Racing extends Dial {
  /** The address whose failure is the result, where one was dialled that failed. */
  readonly failedAt: Address | undefined;
}

/** Several attempts of which one may win. It is over when one has won, when all have failed, or when it is cancelled. */
class Race extends DialEnd implements Racing {
  failedAt: Address | undefined;
  readonly #options: RaceOptions;
  readonly #running = new Set<Dial>();
  #addresses: readonly Address[];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Undefined once they were asked for. */
  #late: LateAddresses | undefined;
  #asked: Work<readonly Address[]> | undefined;
  /** An attempt would start now, if there were an address. */
  #isDue = false;
  /** Undefined until an attempt has failed. */
  #failure: Failure | undefined;

  constructor(addresses: DialList, options: RaceOptions) {
    super();
    this.#addresses = addresses;
    this.#late = addresses.late;
    this.#options = options;
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
    this.#timer = setTimeout(() => this.#startNext(), ATTEMPT_DELAY_MS);
    attempt.whenDone((result) => this.#attemptOver(attempt, address, result));
  }

  /** There is no further address, or no time for one. */
  #ranOut(isTimeLeft: boolean): void {
    if (isTimeLeft) this.#askForMore();
    if (this.#running.size > 0) return;
    if (!isTimeLeft) this.#failed(undefined, { kind: 'timeout' });
    if (!isTimeLeft || !this.#asked) this.#finish(this.#failure ?? { kind: 'unreachable' });
    // Late addresses may take longer than there is time.
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
    if (this.isOver) return;
    const known = this.#addresses;
    const fresh = late.filter((one) => !known.some(({ host, port }) => host === one.host && port === one.port));
    const left = known.slice(this.#next);
    this.#addresses = [...known.slice(0, this.#next), ...alternate(fresh, left)];
    if (this.#isDue) this.#startNext();
  }

  #attemptOver(attempt: Dial, address: Address, result: DialResult): void {
    const isGivenUp = !this.#running.delete(attempt);
    // An attempt that connected before it could be cancelled.
    if (this.isOver) closeUnused(result);
    else if (!isGivenUp || isWin(result)) this.#judge(address, result);
  }

  #judge(address: Address, result: DialResult): void {
    countAttempt(address, result, this.#options);
    if (isWin(result)) {
      this.#finish(result);
      return;
    }
    if (result.kind !== 'cancelled') this.#failed(address, result);
    this.#startNext();
  }

  /** @param address undefined: there was no time to dial one */
  #failed(address: Address | undefined, failure: Failure): void {
    if (moreTelling(this.#failure, failure) !== failure) return;
    this.#failure = failure;
    this.failedAt = address;
  }

  #finish(result: DialResult): void {
    if (this.isOver) return;
    clearTimeout(this.#timer);
    this.settle(result);
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

function millisecondsUntil(deadline: number): number {
  return Math.min(Math.max(0, deadline - performance.now()), LONGEST_TIMER_MS);
}

/** Ends a connection that is not needed, if there is one. With FIN, not RST, for the peer made no mistake. */
export function closeUnused(result: DialResult): void {
  if (result.kind === 'connected') result.leg.close();
}

type Failure = Exclude<DialResult, { kind: 'connected' | 'joined' | 'cancelled' }>;

/**
 * From the one that says least to the one that says most: no route, silence, a refusal, a failure of TLS, our own lack of the source
 * address, or of descriptors, ports or memory. Where a machine has no IPv6, no IPv6 address has a route, and that says nothing of the
 * destination. The last ones must not be hidden, for no peer is at fault.
 */
const TELLING: readonly DialResult['kind'][] = [
  'unreachable',
  'timeout',
  'reset',
  'refused',
  'tls-timeout',
  'untrusted',
  'no-source',
  'exhausted',
];

function moreTelling(one: Failure | undefined, other: Failure): Failure {
  return one === undefined || TELLING.indexOf(other.kind) > TELLING.indexOf(one.kind) ? other : one;
}

const ATTEMPT_RESULTS = {
  connected: 'ok',
  joined: 'ok',
  refused: 'refused',
  unreachable: 'unreachable',
  timeout: 'timeout',
  // Some firewalls refuse with an RST right after the handshake.
  reset: 'refused',
  untrusted: 'error',
  'tls-timeout': 'timeout',
  'no-source': 'error',
  exhausted: 'error',
  cancelled: undefined,
} as const satisfies Record<DialResult['kind'], DialMetricResult | undefined>;

/** Counts how one attempt has ended; one that was cancelled is not counted. */
export function countAttempt(
  address: Address,
  result: DialResult,
  { onAttempt }: Pick<RaceOptions, 'onAttempt'>,
): void {
  const counted = ATTEMPT_RESULTS[result.kind];
  if (counted) onAttempt?.(familyOf(address.host), counted);
}

/** The family of an IP literal. */
export function familyOf(host: string): DialFamily {
  return host.includes(':') ? 'ipv6' : 'ipv4';
}
