/** Whether the store is used: it is up once it has all counts and answers in time, and away when it does not. */
import { setTimeout as delay } from 'node:timers/promises';
import { wordCause } from '@sallyport/telemetry';
import type { Batch } from './batch.ts';
import { decodeAnswers, encodeBatch } from './count-script.ts';
import { LATE_MS, LOST_MS, Patience, type Start } from './patience.ts';
import type { LinkWatcher, StoreLink } from './redis-link.ts';

/** Told of each change of state, and of each attempt that went on without an answer. */
export interface HealthWatcher {
  onLate(): void;
  onUp(): void;
  /** Also while it is away, where the reason is another. */
  onAway(why: string): void;
}

/** How a store gets the present counts. Both reject where that fails. */
export interface Recovery {
  /** Sends all counts of this replica. */
  tellAll(link: StoreLink): Promise<void>;
  /** Resolves with whether the store answered in time. */
  probe(link: StoreLink): Promise<boolean>;
}

/** A store is no longer asked after so many late answers in a row, over so long a time. */
const LATE_IN_A_ROW = 3;
const LATE_FOR_MS = 500;
/** While it is away, another reason is reported no sooner than this after the last. */
const TELL_EVERY_MS = 10_000;
/** So many answers in time a slow store must give before it is up again; and when it is tried. */
const PROBES = 3;
const PROBE_PAUSE_MS = 500;

/** Follows one store over all of its connections. */
export class StoreHealth implements LinkWatcher {
  readonly #replica: string;
  readonly #watcher: HealthWatcher;
  readonly #recovery: Recovery;
  #connected: StoreLink | undefined;
  #up: StoreLink | undefined;
  #awaySince = performance.now();
  /** Why it is away, as it was reported, and when. */
  #told = { why: '', at: -Infinity };
  #lateInARow = 0;
  #inTimeAt = 0;
  readonly patience = new Patience();
  #isKnown = false;
  #onKnown: () => void = () => undefined;
  /** Resolves when the state is known. */
  readonly whenKnown = new Promise<void>((resolve) => (this.#onKnown = resolve));

  constructor(replica: string, watcher: HealthWatcher, recovery: Recovery) {
    this.#replica = replica;
    this.#watcher = watcher;
    this.#recovery = recovery;
  }

  /** The connection to ask; undefined while the store is away. */
  get link(): StoreLink | undefined {
    return this.#up;
  }

  /** The connection, whether or not it is asked: also a slow store has been told of places. */
  get connected(): StoreLink | undefined {
    return this.#connected;
  }

  get awayMs(): number {
    return this.#up === undefined ? performance.now() - this.#awaySince : 0;
  }

  ready(link: StoreLink): void {
    this.#connected = link;
    void this.#recover(link, 1);
  }

  lost(why: string): void {
    this.#connected = undefined;
    this.#goAway(why);
  }

  /**
   * Runs a batch to its end. Attempts wait for it no longer than `LATE_MS`. Resolves with whether the answer came within that time.
   * Rejects where the connection is lost, or the store returns an error.
   * @param start when its attempts began to wait, if not now
   */
  async run(link: StoreLink, batch: Batch, start?: Start): Promise<boolean> {
    const { entries } = batch;
    const { keys, args } = encodeBatch(this.#replica, entries);
    const onLost = (): void => this.#isSlow(link, `no answer in ${LOST_MS} ms`);
    const wait = this.patience.waitFor({ onLate: () => batch.giveUp(), onLost }, start);
    try {
      const answers = decodeAnswers(await link.run(keys, args), entries.length);
      const isInTime = batch.isOpen;
      batch.answer(answers);
      this.#wasAnswered(link, isInTime);
      return isInTime;
    } finally {
      wait.end();
      batch.giveUp();
    }
  }

  /** The store returned an error, or the connection is lost: another connection is made. */
  failed(link: StoreLink, cause: unknown): void {
    if (this.#connected !== link) return;
    this.lost(wordCause(cause));
    link.drop();
  }

  #wasAnswered(link: StoreLink, isInTime: boolean): void {
    if (isInTime) {
      this.#inTimeAt = performance.now();
      this.#lateInARow = 0;
      return;
    }
    this.#lateInARow += 1;
    const isRule = this.#lateInARow >= LATE_IN_A_ROW && performance.now() - this.#inTimeAt > LATE_FOR_MS;
    if (isRule) this.#isSlow(link, `no answer within ${LATE_MS} ms any more`);
  }

  #isSlow(link: StoreLink, why: string): void {
    if (this.#up !== link) return;
    this.#goAway(why);
    void this.#recover(link, PROBES);
  }

  #goAway(why: string): void {
    const now = performance.now();
    const isNews = this.#up !== undefined || !this.#isKnown;
    if (this.#up !== undefined) this.#awaySince = now;
    this.#up = undefined;
    // A store that was gone may be back and refuse our password: then the first reason misleads.
    const isOther = this.#told.why !== why && now - this.#told.at >= TELL_EVERY_MS;
    if (isNews || isOther) {
      this.#told = { why, at: now };
      this.#watcher.onAway(why);
    }
    this.#nowKnown();
  }

  /** @param probes how many answers in a row it must give, in time where it is more than one */
  async #recover(link: StoreLink, probes: number): Promise<void> {
    try {
      while (this.#connected === link) {
        if (await this.#answers(link, probes)) {
          this.#comeUp(link);
          return;
        }
        await delay(PROBE_PAUSE_MS, undefined, { ref: false });
      }
    } catch (cause) {
      this.failed(link, cause);
    }
  }

  async #answers(link: StoreLink, probes: number): Promise<boolean> {
    await this.#recovery.tellAll(link);
    for (let probe = 0; probe < probes; probe++) {
      const isInTime = await this.#recovery.probe(link);
      if (!isInTime && probes > 1) return false;
    }
    return true;
  }

  #comeUp(link: StoreLink): void {
    if (this.#connected !== link) return;
    this.#up = link;
    this.#watcher.onUp();
    this.#nowKnown();
  }

  #nowKnown(): void {
    this.#isKnown = true;
    this.#onKnown();
  }
}
