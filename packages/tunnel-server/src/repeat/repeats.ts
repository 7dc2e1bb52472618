/**
 * When a decision is repeated: a client that asks for the same again and again is decided once, and for a second at most the transport
 * makes the tunnels of clients like it by itself. As long as they come, one of them is decided before that second is over, so that the
 * next verdict is there when the first ends. Read this first.
 *
 * Nothing is decided here. What is repeated was decided by the steps of `serveTunnel`, and is forgotten as soon as they might decide
 * otherwise: with a reload, with a drain, at the end of an address's TTL, and when a limit is half used.
 */
import type { Ip } from '@sallyport/addresses';
import type { Transport } from '@sallyport/tunnel-splice';
import { type ClientKey, clientKey } from '../limits/client-key.ts';
import type { LimitedListener } from '../limits/scopes.ts';
import type { Limits } from '../limits/limits.ts';

/** How often a client has to ask for the same within {@link WINDOW_MS}, by the usual way, before that is repeated. */
const OFTEN = 8;
const WINDOW_MS = 1_000;
/** How many keys are counted in that time. Others are not. */
const MOST_SEEN = 1_024;
/** How many tunnels a verdict is for. The next one is for twice as many where half of the last were made within {@link SOON_MS}. */
const FEWEST_TUNNELS = 16;
const FIRST_TUNNELS = 64;
const MOST_TUNNELS = 1_024;
const SOON_MS = 300;
/** How many tunnels the verdicts of all keys are for. */
const MOST_PROMISED = 8_192;
/** For how long a decision is repeated. Hosts files and the machine's own addresses are looked at as often. */
const HOLDS_MS = 1_000;
/** How old a decision is when a tunnel that was repeated by it is decided as well. Tunnels are told of a fourth of a second late. */
const RENEWED_AFTER_MS = 500;
/**
 * For how long a key is not repeated of which a client had to be handed out; doubled each time that this comes again, up to eleven minutes:
 * such a client has waited in vain, and its hello reaches its destination twice.
 */
const BARRED_MS = 10_000;
const MOST_DOUBLINGS = 6;
/** How many keys are known. Where that is not enough, all of them are forgotten. */
const MOST_KNOWN = 1_024;

/** What a door would have repeated. */
export interface Repeatable {
  /** What `cameUp` was called with. */
  readonly key: string;
  readonly listener: LimitedListener;
  readonly client: Ip;
  /** For how long its name has this address, in milliseconds. */
  readonly holdsMs: number;
  /** Gives the transport a verdict on these terms. False where it cannot have one. */
  remember(terms: Terms): boolean;
}

/** As those of the transport's `Verdict`. */
export interface Terms {
  readonly tunnels: number;
  readonly holdsMs: number;
  /** Whether the tunnel that was just made is to be decided as well. */
  readonly isDue: () => boolean;
  /**
   * @param isAgain another live tunnel has sent the same hello
   * @param holdsMs where it was decided as well: for how long, in milliseconds, its name has the verdict's address; 0 where the verdict is
   * wrong by now
   */
  readonly onRepeated: (isAgain: boolean, holdsMs: number | undefined) => void;
  readonly onForgotten: (wasNoGood: boolean) => void;
}

/** A key that is repeated, or was a moment ago. Times are those of `performance.now()`. */
interface Known {
  /** How many tunnels its next verdict is for. */
  size: number;
  /** How many verdicts of it the transport has, and for how many tunnels more. */
  held: number;
  left: number;
  /** How many tunnels its last verdict was for, and since when the transport has that. */
  last: number;
  lastAt: number;
  /** How many tunnels were repeated since it was last decided. */
  made: number;
  decidedAt: number;
  /** From then on it is decided anew. */
  endsAt: number;
  /** Until then it is not repeated. */
  barredUntil: number;
  /** How often that was so since it was last repeated for half a second. */
  bars: number;
}

/** A verdict that the transport has. */
interface Held {
  readonly repeatable: Repeatable;
  readonly known: Known;
  /** For how many tunnels more. */
  left: number;
  /** How many of them count as promised: those that were made count until the next verdict. */
  promised: number;
}

export class Repeats {
  readonly #transport: Pick<Transport, 'forgetVerdicts'>;
  readonly #limits: Pick<Limits, 'roomFor'>;
  /** How often each key came up since {@link #since}. */
  readonly #seen = new Map<string, number>();
  readonly #known = new Map<string, Known>();
  #since = 0;
  #generation = 0;
  /** How many tunnels the verdicts are for that the transport has. */
  #promised = 0;
  /** The verdicts that the transport has, each as a promise that resolves when it has forgotten it. */
  readonly #held = new Set<Promise<void>>();
  /** How many of those are for each client, and for each listener. */
  readonly #promisedTo = new Map<ClientKey, number>();
  readonly #promisedAt = new Map<LimitedListener, number>();
  /** Ends when what was forgotten for the sake of a limit is in the books. */
  #withdrawal: Promise<void> | undefined;

  constructor(transport: Pick<Transport, 'forgetVerdicts'>, limits: Pick<Limits, 'roomFor'>) {
    this.#transport = transport;
    this.#limits = limits;
  }

  /** How many times the rules were replaced. A tunnel that was decided in an earlier generation is not to be repeated. */
  get generation(): number {
    return this.#generation;
  }

  /** The rules are replaced: what is asked for from now on is decided by the new ones. Resolves as {@link forget} does. */
  renew(): Promise<void> {
    this.#generation += 1;
    return this.forget();
  }

  /** A tunnel has come up by the usual way. `describe` is called only where it is to be repeated. */
  cameUp(key: string, describe: () => Repeatable | undefined): void {
    const now = performance.now();
    const known = this.#known.get(key);
    if (known === undefined && !this.#isOften(key, now)) return;
    if (known !== undefined && (known.held > 0 || now < known.barredUntil)) return;
    const repeatable = describe();
    if (repeatable === undefined) return;
    const fresh = known ?? this.#begin(key);
    this.#promiseAnew(repeatable, fresh, repeatable.holdsMs);
    if (fresh.held === 0) this.#known.delete(key);
  }

  /**
   * Another connection of this client is there, at whichever listener. Where a limit is half used now, everything is decided anew. Tunnels
   * may be up then that are not in the books yet: resolves once they are, and only then the limits can be compared with what is there.
   */
  heed(client: Ip): Promise<void> | undefined {
    if (this.#promised === 0 || !this.#isHalfUsed(client)) return undefined;
    this.#withdrawal ??= this.forget().finally(() => (this.#withdrawal = undefined));
    return this.#withdrawal;
  }

  /** From now on everything is decided anew. Resolves once all tunnels that were made by then are in the books. */
  async forget(): Promise<void> {
    const now = performance.now();
    this.#seen.clear();
    // New entries, since verdicts that are being forgotten have the old ones.
    const known = [...this.#known];
    this.#known.clear();
    // What went wrong has done so whatever the limits and the rules are by now.
    for (const [key, bar] of known) if (bar.bars > 0 || bar.barredUntil > now) this.#begin(key, bar);
    this.#transport.forgetVerdicts?.();
    await Promise.all(this.#held);
  }

  /** How many keys are remembered, for the tests that bound it. */
  get remembered(): number {
    return this.#seen.size + this.#known.size + this.#held.size;
  }

  /** Whether that is so of a limit by which something is promised. */
  #isHalfUsed(client: Ip): boolean {
    const isPromisedMore = this.#promisedTo.has(clientKey(client));
    // A connection at one listener may count for the limits of another one.
    for (const listener of this.#promisedAt.keys()) {
      const room = this.#limits.roomFor(listener, client);
      if (room === undefined || room.inAll === 0 || (isPromisedMore && room.toClient === 0)) return true;
    }
    return false;
  }

  /** Everything is forgotten, and this key is not repeated for a while. */
  #bar(key: string): void {
    const now = performance.now();
    const known = this.#known.get(key);
    if (known !== undefined && known.held === 0 && now < known.barredUntil) return;
    void this.forget();
    const { bars = 0 } = this.#known.get(key) ?? {};
    this.#begin(key, { barredUntil: now + BARRED_MS, bars });
  }

  /** This key is not repeated for a while, but for what is promised already. */
  #leaveAlone(key: string): void {
    const known = this.#known.get(key) ?? this.#begin(key);
    const now = performance.now();
    if (now < known.barredUntil) return;
    known.barredUntil = now + BARRED_MS * 2 ** Math.min(known.bars, MOST_DOUBLINGS);
    known.bars += 1;
  }

  #begin(key: string, { barredUntil, bars }: Pick<Known, 'barredUntil' | 'bars'> = UNBARRED): Known {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const known = {
      size: FIRST_TUNNELS,
      held: 0,
      left: 0,
      last: 0,
      lastAt: 0,
      made: 0,
      decidedAt: 0,
      endsAt: 0,
      barredUntil,
      bars,
    };
    this.#known.set(key, known);
    return known;
  }

  #isOften(key: string, now: number): boolean {
    if (now - this.#since > WINDOW_MS) {
      this.#seen.clear();
      this.#since = now;
    }
    const times = (this.#seen.get(key) ?? 0) + 1;
    if (times > 1 || this.#seen.size < MOST_SEEN) this.#seen.set(key, times);
    return times >= OFTEN;
  }

  /** The next verdict is for twice as many tunnels as there were since it was last decided. */
  #decidedAgain(repeatable: Repeatable, known: Known, holdsMs: number): void {
    known.size = Math.min(Math.max(2 * known.made, FIRST_TUNNELS), MOST_TUNNELS);
    known.bars = 0;
    this.#promiseAnew(repeatable, known, holdsMs);
  }

  /** It was decided this moment. */
  #promiseAnew(repeatable: Repeatable, known: Known, holdsMs: number): void {
    known.made = 0;
    known.decidedAt = performance.now();
    known.endsAt = known.decidedAt + Math.min(HOLDS_MS, holdsMs);
    this.#promise(repeatable, known);
  }

  #promise(repeatable: Repeatable, known: Known): void {
    const now = performance.now();
    // What is promised during a withdrawal would not be withdrawn with the rest.
    if (this.#withdrawal !== undefined || now < known.barredUntil) return;
    const tunnels = Math.min(known.size, this.#roomFor(repeatable));
    const holdsMs = known.endsAt - now;
    if (tunnels < FEWEST_TUNNELS || holdsMs <= 0) return;
    let forgotten = (): void => undefined;
    const held = new Promise<void>((resolve) => (forgotten = resolve));
    const verdict: Held = { repeatable, known, left: tunnels, promised: tunnels };
    const isHeld = repeatable.remember({
      tunnels,
      holdsMs,
      isDue: () => this.#isDue(verdict),
      onRepeated: (isAgain, renewedMs) => this.#repeated(verdict, isAgain, renewedMs),
      onForgotten: (wasNoGood) => {
        this.#held.delete(held);
        this.#forgotten(verdict, wasNoGood);
        forgotten();
      },
    });
    if (!isHeld) return;
    this.#count(repeatable, tunnels);
    this.#held.add(held);
    known.held += 1;
    known.left += tunnels;
    known.last = tunnels;
    known.lastAt = now;
  }

  /** Nothing of its key was forgotten since it was promised. */
  #isCurrent({ repeatable, known }: Held): boolean {
    return this.#known.get(repeatable.key) === known;
  }

  #isDue(verdict: Held): boolean {
    const { made, decidedAt } = verdict.known;
    return made >= OFTEN && performance.now() - decidedAt > RENEWED_AFTER_MS && this.#isCurrent(verdict);
  }

  #repeated(verdict: Held, isAgain: boolean, holdsMs: number | undefined): void {
    const { repeatable, known } = verdict;
    // It may be in a loop, which only the usual way refuses.
    if (isAgain) this.#bar(repeatable.key);
    verdict.left -= 1;
    known.left -= 1;
    known.made += 1;
    if (holdsMs === 0) void this.forget();
    if (!this.#isCurrent(verdict)) return;
    if (holdsMs !== undefined) this.#decidedAgain(repeatable, known, holdsMs);
    else if (known.left <= known.last >> 1) this.#promiseNext(verdict);
  }

  /** The last one will be used up soon, and what was decided still holds. */
  #promiseNext(verdict: Held): void {
    const { repeatable, known, left, promised } = verdict;
    if (performance.now() - known.lastAt < SOON_MS) known.size = Math.min(2 * known.size, MOST_TUNNELS);
    // Those that were made are in the books.
    this.#count(repeatable, left - promised);
    verdict.promised = left;
    // Where there is no room now, there may be some at half of what is left.
    known.last = known.left;
    this.#promise(repeatable, known);
  }

  #forgotten(verdict: Held, wasNoGood: boolean): void {
    const { repeatable, known, left, promised } = verdict;
    this.#count(repeatable, -promised);
    known.held -= 1;
    known.left -= left;
    if (wasNoGood) this.#leaveAlone(repeatable.key);
    else if (this.#isCurrent(verdict) && isDispensable(known)) this.#known.delete(repeatable.key);
  }

  /** Half of what may be promised, so that there is room for the next, too. */
  #roomFor({ listener, client }: Repeatable): number {
    const room = this.#limits.roomFor(listener, client);
    if (room === undefined) return 0;
    const inAll = Math.min(room.inAll, MOST_PROMISED) - this.#promised;
    const toClient = room.toClient - (this.#promisedTo.get(clientKey(client)) ?? 0);
    return Math.floor(Math.min(inAll, toClient) / 2);
  }

  #count({ listener, client }: Repeatable, tunnels: number): void {
    this.#promised += tunnels;
    add(this.#promisedTo, clientKey(client), tunnels);
    add(this.#promisedAt, listener, tunnels);
  }
}

const UNBARRED = { barredUntil: 0, bars: 0 } as const;

/** It is seldom asked for, and there is nothing to remember of it. */
function isDispensable({ held, made, bars, barredUntil }: Known): boolean {
  return held === 0 && made < OFTEN && bars === 0 && performance.now() >= barredUntil;
}

/** Adds to the count of a key, which is left out of the map where it is 0. */
function add<Key>(counts: Map<Key, number>, key: Key, tunnels: number): void {
  const sum = (counts.get(key) ?? 0) + tunnels;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}
