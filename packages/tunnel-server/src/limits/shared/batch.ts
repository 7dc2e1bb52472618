/** One batch for the store: attempts, with those of one client as one entry, and the counts of clients that it must know. */
import type { ClientKey } from '../client-key.ts';
import type { Account, Scope } from './accounts.ts';
import type { Entry, Granted } from './count-script.ts';

/** What the store is asked before a connection, or a further request, is admitted. */
export interface Question {
  readonly client: ClientKey;
  /** The scope whose places are counted; undefined where only a token is asked for. */
  readonly places: Scope | undefined;
  /** Another scope that the place counts in, where it is granted. */
  readonly alsoIn?: Scope | undefined;
  readonly placesLimit: number;
  readonly buckets: Pick<Scope, 'name'>;
  /** Tokens a second. Infinity: not counted. */
  readonly rate: number;
}

/** What the store says to one attempt. */
export type Answer =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly waitMs: number }
  /** The answer came too late, or not at all: the replica decides by its own count. */
  | { readonly kind: 'unknown' };

/** A connection, or a further request, that waits for the answer. */
export interface Attempt {
  readonly question: Question;
  /** Undefined where only a token is asked for. */
  readonly account: Account | undefined;
  readonly decide: (answer: Answer) => void;
}

/** What is to be told and asked. */
export interface Contents {
  /** The prefix of all keys. */
  readonly prefix: string;
  readonly attempts?: readonly Attempt[];
  /** Accounts that are only reported. */
  readonly updates?: readonly Account[];
}

/** One entry of a batch. */
interface Line {
  readonly entry: Entry;
  readonly account: Account | undefined;
  readonly attempts: readonly Attempt[];
}

/** One call of the script, from its entries to its answers. */
export class Batch {
  readonly #lines: readonly Line[];
  #isOpen = true;

  private constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  /** Makes as many batches of at most `entries` as needed. From here on the accounts count as reported. */
  static split({ prefix, attempts = [], updates = [] }: Contents, entries: number): Batch[] {
    const asking = groupAlike(attempts).map((alike) => askingLine(prefix, alike));
    const asked = new Set(asking.map(({ account }) => account));
    const telling = updates.filter((account) => !asked.has(account)).map((account) => tellingLine(prefix, account));
    const lines = [...asking, ...telling];
    const count = Math.ceil(lines.length / entries);
    return Array.from({ length: count }, (_, at) => new Batch(lines.slice(at * entries, (at + 1) * entries)));
  }

  get entries(): readonly Entry[] {
    return this.#lines.map(({ entry }) => entry);
  }

  /** Whether attempts still wait for it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The answer is awaited no longer. */
  giveUp(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { attempts } of this.#lines) for (const { decide } of attempts) decide({ kind: 'unknown' });
  }

  /** The first attempts get what was granted. */
  answer(answers: readonly Granted[]): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#lines.forEach(({ attempts }, index) => {
      const { granted = 0, waitMs = 0 } = answers[index] ?? {};
      attempts.forEach(({ decide }, place) =>
        decide(place < granted ? { kind: 'granted' } : { kind: 'refused', waitMs }),
      );
    });
  }

  /** The store has answered, or never will. */
  settle(): void {
    for (const { account, entry } of this.#lines) if (account) account.unanswered -= entry.wanted;
  }

  /** The accounts of the batch. */
  get accounts(): readonly Account[] {
    return this.#lines.flatMap(({ account }) => account ?? []);
  }
}

function groupAlike(attempts: readonly Attempt[]): Attempt[][] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const { client, places, placesLimit, buckets, rate } = attempt.question;
    const key = [client, places?.name ?? '', placesLimit, buckets.name, rate].join(' ');
    const alike = groups.get(key);
    if (alike) alike.push(attempt);
    else groups.set(key, [attempt]);
  }
  return [...groups.values()];
}

function askingLine(prefix: string, attempts: readonly Attempt[]): Line {
  const [first] = attempts;
  if (first === undefined) throw new Error('a group without attempts');
  const { account, question } = first;
  const entry: Entry = {
    ...(account ? sayPlaces(prefix, account) : NO_PLACES),
    bucketKey: `${prefix}:bucket:${question.buckets.name}:${question.client}`,
    wanted: attempts.length,
    limit: question.placesLimit,
    rate: question.rate,
  };
  if (account) account.unanswered += attempts.length;
  return { entry, account, attempts };
}

const NO_PLACES = { placesKey: undefined, held: 0, left: undefined };

function tellingLine(prefix: string, account: Account): Line {
  const places = sayPlaces(prefix, account);
  return {
    entry: { ...places, bucketKey: `${prefix}:bucket`, wanted: 0, limit: 0, rate: Infinity },
    account,
    attempts: [],
  };
}

/** What an entry reports of an account, which is thereby reported. */
function sayPlaces(prefix: string, account: Account): Pick<Entry, 'placesKey' | 'held' | 'left'> {
  const { scope, client, undecided, unanswered, left } = account;
  account.left = 0;
  return {
    placesKey: `${prefix}:places:${scope.name}:${client}`,
    held: scope.occupancy.of(client) - undecided,
    left: unanswered === 0 ? undefined : left,
  };
}
