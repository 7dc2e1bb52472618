/**
 * Limits that replicas share through a store that counts for all of them.
 *
 * The attempts of one turn of the event loop go to the store in one batch, and wait for its answer for a few milliseconds. Without an
 * answer the replica decides by its own count. Nothing depends on what the store remembers: every entry says how many places the replica
 * holds, and all are sent again every few seconds. So a store that has lost its data, or was out of reach, is soon correct again.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Occupancy } from '../occupancy.ts';
import type { ClientKey } from '../client-key.ts';
import { type Account, Accounts, type Scope } from './accounts.ts';
import { type Answer, type Attempt, Batch, type Contents, type Question } from './batch.ts';
import { LEASE_MS } from './count-script.ts';
import type { Start, Wait } from './patience.ts';
import type { LinkWatcher, StoreLink } from './redis-link.ts';
import { type HealthWatcher, StoreHealth } from './store-health.ts';

/** The store, and who is told of its state. */
export interface SharedLimitsOptions extends HealthWatcher {
  /** Keeps a connection to the store until the signal ends it. */
  readonly connect: (watcher: LinkWatcher, signal: AbortSignal) => Promise<void>;
  /** The prefix of all keys. */
  readonly prefix: string;
}

/** Entries in one call of the script: Redis is busy with one for a millisecond or two. */
const BATCH_ENTRIES = 128;
const CALLS_AT_ONCE = 4;
/** A change is reported with the next attempt, or after this time. */
const CHANGE_MS = 10;
const TICK_MS = 100;
/** The store is called at least so often. So its absence is noticed without any traffic. */
const TICKS_A_PROBE = 10;
/** All places are reported again within so many ticks, a fraction of their lease. */
const TICKS_A_ROUND = 100;
const LAST_WORDS_MS = 200;

/** The store as the limits use it. Begins to connect at once; {@link close} ends it. */
export class SharedLimits {
  readonly #prefix: string;
  readonly #health: StoreHealth;
  readonly #onLate: () => void;
  readonly #closing = new AbortController();
  #isClosing = false;
  readonly #accounts = new Accounts();
  /** The scopes of all attempts so far. The store need not know of the others. */
  readonly #scopes = new Map<string, Scope>();
  #attempts: Attempt[] = [];
  /** Since when the first of them waits. */
  #gathered: Wait | undefined;
  #calls = 0;
  #sending: NodeJS.Immediate | undefined;
  #changing: NodeJS.Timeout | undefined;
  readonly #ticker = setInterval(() => this.#tick(), TICK_MS).unref();
  #ticks = 0;
  #round: Iterator<Account, undefined> = this.#everyone();
  #perTick = 0;

  constructor({ prefix, connect, ...watcher }: SharedLimitsOptions) {
    this.#prefix = prefix;
    this.#onLate = () => watcher.onLate();
    // Once it is given up, the state to be reported is that of another store, or of none.
    const untilClosing: HealthWatcher = {
      onLate: this.#onLate,
      onUp: () => {
        if (this.#isClosing) return;
        watcher.onUp();
        // What has changed since it was told all: nothing else may come that would tell it.
        void this.#send();
      },
      onAway: (why) => {
        if (!this.#isClosing) watcher.onAway(why);
      },
    };
    this.#health = new StoreHealth(randomUUID(), untilClosing, {
      tellAll: (link) => this.#tellAll(link),
      probe: (link) => this.#probe(link),
    });
    void connect(this.#health, this.#closing.signal);
  }

  /** Whether the store is asked. Where it is not, the replica decides by its own count. */
  get isUp(): boolean {
    return this.#health.link !== undefined;
  }

  /** Resolves when it is known whether the store answers, or when `timeoutMs` have passed. */
  async whenKnown(timeoutMs: number): Promise<void> {
    await Promise.race([this.#health.whenKnown, delay(timeoutMs, undefined, { ref: false })]);
  }

  /** Asks for a place, which the occupancies of its scopes count already, and a token. */
  ask(question: Question): Promise<Answer> {
    const { places, alsoIn, client } = question;
    const account = places && this.#accountOf(places, client);
    if (account) account.undecided += 1;
    const other = alsoIn && this.#accountOf(alsoIn, client);
    if (other) other.undecided += 1;
    this.#gathered ??= this.#health.patience.waitFor({ onLate: () => this.#giveUp(), onLost: () => undefined });
    this.#sending ??= setImmediate(() => void this.#send());
    return new Promise((resolve) => {
      const decide = (answer: Answer): void => {
        if (answer.kind === 'unknown') this.#onLate();
        // The store has counted what it has granted, in the scope that it was asked for.
        if (account) this.#decided(account, answer.kind === 'unknown');
        if (other) this.#decided(other, answer.kind !== 'refused');
        resolve(answer);
      };
      this.#attempts.push({ question, account, decide });
    });
  }

  /** Those that were gathered behind a late batch. */
  #giveUp(): void {
    for (const { decide } of this.#take().attempts) decide({ kind: 'unknown' });
  }

  #take(): { readonly attempts: readonly Attempt[]; readonly start: Wait | undefined } {
    const attempts = this.#attempts;
    const start = this.#gathered;
    this.#attempts = [];
    this.#gathered = undefined;
    start?.end();
    return { attempts, start };
  }

  /** A client's places in a scope have changed without a request: fewer, or one more. */
  changed(scope: Scope, client: ClientKey, by: 1 | -1): void {
    // A store that was away for so long has no counts left, and gets all of them again.
    if (!this.#scopes.has(scope.name) || this.#health.awayMs > LEASE_MS) return;
    const account = this.#accountOf(scope, client);
    if (by < 0) account.left += 1;
    this.#isDue(account);
  }

  /** Places in this scope are reported from now on, whether they were asked for or not. Those that it holds are reported now. */
  count(scope: Scope): void {
    this.#scopes.set(scope.name, scope);
    for (const client of scope.occupancy.clientKeys()) this.#isDue(this.#accounts.of(scope, client));
  }

  /** How much is remembered, for the tests that bound it. */
  get remembered(): number {
    return this.#accounts.count;
  }

  /** Gives back all places, for another store may count them from now on. Reports nothing more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#changing);
    await Promise.race([this.#leaveStore(), lastWordsAreOver()]);
    this.#closing.abort();
  }

  async #leaveStore(): Promise<void> {
    const link = this.#health.connected;
    if (link === undefined) return;
    // The store answers in order: no place is granted after the last of them is given back. Nothing is awaited in between: a client that
    // left meanwhile would be in no count any more, and nobody would give its places back.
    const asked = this.#send();
    this.#giveUp();
    const updates = [...new Set([...this.#everyone(), ...this.#accounts.takeDue()])].map(({ scope, client }) =>
      emptyAccount(scope.name, client),
    );
    await Promise.all([asked, this.#runAll(link, { updates })]);
  }

  /** Attempts that arrive while enough calls are under way are collected into one batch. */
  async #send(): Promise<void> {
    clearImmediate(this.#sending);
    clearTimeout(this.#changing);
    this.#sending = this.#changing = undefined;
    if (this.#calls >= CALLS_AT_ONCE) return;
    this.#calls += 1;
    while (this.#attempts.length > 0 || this.#accounts.areDue) {
      const { link } = this.#health;
      if (link === undefined) {
        this.#giveUp();
        break;
      }
      const { attempts, start } = this.#take();
      await this.#runAll(link, { attempts, updates: this.#accounts.takeDue() }, start);
    }
    this.#calls -= 1;
  }

  /** Never rejects: a store that returns an error is away. */
  async #runAll(link: StoreLink, contents: Omit<Contents, 'prefix'>, start?: Start): Promise<void> {
    const batches = Batch.split({ prefix: this.#prefix, ...contents }, BATCH_ENTRIES);
    try {
      await Promise.all(batches.map((batch) => this.#run(link, batch, start)));
    } catch (cause) {
      this.#health.failed(link, cause);
    }
  }

  async #run(link: StoreLink, batch: Batch, start?: Start): Promise<void> {
    let isInTime = false;
    try {
      isInTime = await this.#health.run(link, batch, start);
    } finally {
      // It may have granted places to attempts that went on without it, or refused to hear of those that were given back.
      if (!isInTime) for (const account of batch.accounts) this.#isDue(account);
      batch.settle();
      for (const account of batch.accounts) this.#accounts.forgetIfIdle(account);
    }
  }

  #accountOf(scope: Scope, client: ClientKey): Account {
    this.#scopes.set(scope.name, scope);
    return this.#accounts.of(scope, client);
  }

  #decided(account: Account, isDue: boolean): void {
    account.undecided -= 1;
    if (isDue) this.#isDue(account);
    this.#accounts.forgetIfIdle(account);
  }

  #isDue(account: Account): void {
    if (this.#isClosing) return;
    this.#accounts.isDue(account);
    this.#changing ??= setTimeout(() => void this.#send(), CHANGE_MS).unref();
  }

  async #tellAll(link: StoreLink): Promise<void> {
    const updates = [...new Set([...this.#everyone(), ...this.#accounts.takeDue()])];
    for (const batch of Batch.split({ prefix: this.#prefix, updates }, BATCH_ENTRIES)) {
      // What is said behind the last words would stand in the store until its lease ends.
      if (this.#isClosing) return;
      await this.#run(link, batch);
    }
  }

  *#everyone(): Generator<Account, undefined> {
    for (const scope of this.#scopes.values()) {
      for (const client of scope.occupancy.clientKeys()) yield this.#accounts.of(scope, client);
    }
    return undefined;
  }

  /** Writes, for a store that can only be read is of no use. Leaves no key behind. */
  async #probe(link: StoreLink): Promise<boolean> {
    const [batch] = Batch.split({ prefix: this.#prefix, updates: [emptyAccount('probe', 0)] }, 1);
    return batch !== undefined && this.#health.run(link, batch);
  }

  #tick(): void {
    const { link } = this.#health;
    if (link === undefined) return;
    if (this.#ticks % TICKS_A_ROUND === 0) this.#beginRound();
    const updates: Account[] = [];
    while (updates.length < this.#perTick) {
      const { value } = this.#round.next();
      if (value === undefined) break;
      updates.push(value);
    }
    if (updates.length > 0) void this.#runAll(link, { updates });
    else if (this.#ticks % TICKS_A_PROBE === 0)
      this.#probe(link).catch((cause: unknown) => this.#health.failed(link, cause));
    this.#ticks += 1;
  }

  #beginRound(): void {
    const clients = [...this.#scopes.values()].reduce((sum, { occupancy }) => sum + occupancy.clients, 0);
    this.#perTick = Math.ceil(clients / TICKS_A_ROUND);
    this.#round = this.#everyone();
  }
}

/** Their time begins when they are written, in the next turn of the event loop: the process may be stalled until then. */
async function lastWordsAreOver(): Promise<void> {
  await nextTurn();
  await delay(LAST_WORDS_MS, undefined, { ref: false });
}

/** Reported to the store, it deletes the count of this replica. */
function emptyAccount(scope: string, client: ClientKey): Account {
  return {
    scope: { name: scope, occupancy: new Occupancy() },
    client,
    undecided: 0,
    unanswered: 0,
    left: 0,
  };
}
