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
import type { Limits } from '../limits/limits.ts';
import { FIRST_TUNNELS, isBarred, type Known, KnownKeys } from './known-keys.ts';
import { OFTEN, OftenAsked } from './often-asked.ts';
import { PromisedTunnels, type Recipient } from './promised-tunnels.ts';

/** How many tunnels a verdict is for. The next one is for twice as many where half of the last were made within {@link SOON_MS}. */
const FEWEST_TUNNELS = 16;
const MOST_TUNNELS = 1_024;
const SOON_MS = 300;
/** For how long a decision is repeated. Hosts files and the machine's own addresses are looked at as often. */
const HOLDS_MS = 1_000;
/** How old a decision is when a tunnel that was repeated by it is decided as well. Tunnels are told of a fourth of a second late. */
const RENEWED_AFTER_MS = 500;

/** What a door would have repeated. */
export interface Repeatable extends Recipient {
  /** What `cameUp` was called with. */
  readonly key: string;
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
  readonly #asked = new OftenAsked();
  readonly #known = new KnownKeys();
  readonly #promised: PromisedTunnels;
  #generation = 0;
  /** The verdicts that the transport has, each as a promise that resolves when it has forgotten it. */
  readonly #held = new Set<Promise<void>>();
  /** Ends when what was forgotten for the sake of a limit is in the books. */
  #withdrawal: Promise<void> | undefined;

  constructor(transport: Pick<Transport, 'forgetVerdicts'>, limits: Pick<Limits, 'roomFor'>) {
    this.#transport = transport;
    this.#promised = new PromisedTunnels(limits);
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
    if (known === undefined && !this.#asked.isOften(key, now)) return;
    if (known !== undefined && (known.held > 0 || isBarred(known, now))) return;
    const repeatable = describe();
    if (repeatable === undefined) return;
    const fresh = known ?? this.#known.begin(key);
    this.#promiseAnew(repeatable, fresh, repeatable.holdsMs);
    if (fresh.held === 0) this.#known.delete(key);
  }

  /**
   * Another connection of this client is there, at whichever listener. Where a limit is half used now, everything is decided anew. Tunnels
   * may be up then that are not in the books yet: resolves once they are, and only then the limits can be compared with what is there.
   */
  heed(client: Ip): Promise<void> | undefined {
    if (!this.#promised.isLimitHalfUsed(client)) return undefined;
    this.#withdrawal ??= this.forget().finally(() => (this.#withdrawal = undefined));
    return this.#withdrawal;
  }

  /** From now on everything is decided anew. Resolves once all tunnels that were made by then are in the books. */
  async forget(): Promise<void> {
    this.#asked.clear();
    this.#known.forget();
    this.#transport.forgetVerdicts?.();
    await Promise.all(this.#held);
  }

  /** How many keys are remembered, for the tests that bound it. */
  get remembered(): number {
    return this.#asked.size + this.#known.size + this.#held.size;
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
    if (this.#withdrawal !== undefined || isBarred(known, now)) return;
    const tunnels = Math.min(known.size, this.#promised.roomFor(repeatable));
    const holdsMs = known.endsAt - now;
    if (tunnels < FEWEST_TUNNELS || holdsMs <= 0) return;
    if (!this.#giveVerdict({ repeatable, known, left: tunnels, promised: tunnels }, holdsMs)) return;
    this.#promised.add(repeatable, tunnels);
    known.held += 1;
    known.left += tunnels;
    known.last = tunnels;
    known.lastAt = now;
  }

  /** False where the transport cannot have it. */
  #giveVerdict(verdict: Held, holdsMs: number): boolean {
    let forgotten = (): void => undefined;
    const held = new Promise<void>((resolve) => (forgotten = resolve));
    const isHeld = verdict.repeatable.remember({
      tunnels: verdict.left,
      holdsMs,
      isDue: () => this.#isDue(verdict),
      onRepeated: (isAgain, renewedMs) => this.#repeated(verdict, isAgain, renewedMs),
      onForgotten: (wasNoGood) => {
        this.#held.delete(held);
        this.#forgotten(verdict, wasNoGood);
        forgotten();
      },
    });
    if (isHeld) this.#held.add(held);
    return isHeld;
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

  /** Everything is forgotten, and this key is not repeated for a while. */
  #bar(key: string): void {
    const known = this.#known.get(key);
    if (known !== undefined && known.held === 0 && isBarred(known, performance.now())) return;
    void this.forget();
    this.#known.bar(key);
  }

  /** The next verdict is for twice as many tunnels as there were since it was last decided. */
  #decidedAgain(repeatable: Repeatable, known: Known, holdsMs: number): void {
    known.size = Math.min(Math.max(2 * known.made, FIRST_TUNNELS), MOST_TUNNELS);
    known.bars = 0;
    this.#promiseAnew(repeatable, known, holdsMs);
  }

  /** The last one will be used up soon, and what was decided still holds. */
  #promiseNext(verdict: Held): void {
    const { repeatable, known, left, promised } = verdict;
    if (performance.now() - known.lastAt < SOON_MS) known.size = Math.min(2 * known.size, MOST_TUNNELS);
    // Those that were made are in the books.
    this.#promised.add(repeatable, left - promised);
    verdict.promised = left;
    // Where there is no room now, there may be some at half of what is left.
    known.last = known.left;
    this.#promise(repeatable, known);
  }

  #forgotten(verdict: Held, wasNoGood: boolean): void {
    const { repeatable, known, left, promised } = verdict;
    this.#promised.add(repeatable, -promised);
    known.held -= 1;
    known.left -= left;
    if (wasNoGood) this.#known.wentWrong(repeatable.key);
    else if (this.#isCurrent(verdict)) this.#known.release(repeatable.key);
  }
}
