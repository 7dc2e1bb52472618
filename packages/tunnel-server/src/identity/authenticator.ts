/** Checks a name and a password with one bcrypt comparison, and from then on from a cache. */
import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Users } from '@sallyport/config';
import { LRUCache } from 'lru-cache';
import type { ClientKey } from '../limits/client-key.ts';
import type { Credentials } from './basic-credentials.ts';
import { BcryptThread, type PasswordComparer } from './bcrypt-thread.ts';
import { FairQueue, type Asker } from './fair-queue.ts';

/** `busy`: too many comparisons are waiting, for this client or in all. */
export type Verdict = 'right' | 'wrong' | 'busy';

/**
 * Many users of one address may come at once. Whatever waits here, the next client is served after one comparison of each other client.
 */
const WAITING = { perClient: 32, total: 256 };

/** The order of comparisons: clients that were right before, then those that name an existing user, then all others. */
const RANK = { provenClient: 0, existingName: 1, rest: 2 } as const;

/** How long a right password needs no further comparison. A changed hash ends that at once. */
const RIGHT_FOR_MS = 5 * 60_000;

/** Programs repeat a wrong password again and again: it costs one comparison a minute. */
const WRONG_FOR_MS = 60_000;

/** How long a client that gave a right password is served before others. */
const PROVEN_FOR_MS = 60 * 60_000;

/** In each memory, so that many wrong passwords cannot remove the right ones. */
const MEMORY_ENTRIES = 10_000;

/** A password and the hash it is compared with. `isKnown`: it is the name's own hash. */
interface Comparison {
  readonly memory: string;
  readonly password: string;
  readonly hash: string;
  readonly isKnown: boolean;
}

/** The client's own key, and that of the network around it. */
export type Origin = Omit<Asker<ClientKey>, 'rank'>;

interface Waiting {
  readonly comparison: Comparison;
  readonly client: ClientKey;
  readonly settle: (verdict: Verdict | Promise<Verdict>) => void;
}

/** Serves all doors and outlives a reload: the users are given with each call. */
export class Authenticator {
  readonly #comparers: readonly PasswordComparer[];
  /** Only this process can tell which password a cache entry stands for. */
  readonly #key = randomBytes(32);
  readonly #right = new LRUCache<string, true>({ max: MEMORY_ENTRIES, ttl: RIGHT_FOR_MS });
  readonly #wrong = new LRUCache<string, true>({ max: MEMORY_ENTRIES, ttl: WRONG_FOR_MS });
  /** Comparisons under way. Requests with equal credentials, as a browser's first connections, share one result. */
  readonly #pending = new Map<string, Promise<Verdict>>();
  /** The users' hashes by number. */
  readonly #hashes = new WeakMap<Users, readonly string[]>();
  readonly #queue = new FairQueue<ClientKey, Waiting>(WAITING);
  /** Clients whose last password was right, or wrong. */
  readonly #proven = new LRUCache<ClientKey, true>({ max: MEMORY_ENTRIES, ttl: PROVEN_FOR_MS });
  readonly #doubted = new LRUCache<ClientKey, true>({ max: MEMORY_ENTRIES, ttl: WRONG_FOR_MS });
  readonly #idle: PasswordComparer[];

  /** @param comparers that work at the same time */
  constructor(comparers: readonly PasswordComparer[] = threads()) {
    this.#comparers = comparers;
    this.#idle = [...comparers];
  }

  /** Answers at once from its memory. Rejects only where the comparison itself could not be done. */
  check(users: Users, credentials: Credentials, origin: Origin): Verdict | Promise<Verdict> {
    if (users.size === 0) return 'wrong';
    const comparison = this.#prepare(users, credentials);
    const { memory } = comparison;
    // The key is a keyed digest, so that the time of the look-up reveals nothing of the password.
    if (this.#right.get(memory)) return 'right';
    if (this.#wrong.get(memory)) return 'wrong';
    return this.#pending.get(memory) ?? this.#enqueue(comparison, origin);
  }

  async close(): Promise<void> {
    await Promise.all(this.#comparers.map((comparer) => comparer.close()));
  }

  /** An unknown name costs as much as a wrong password: it is compared with another user's hash, and always fails. */
  #prepare(users: Users, { name, password }: Credentials): Comparison {
    const own = users.get(name);
    const hash = own ?? this.#borrowHash(users, name);
    const isKnown = own !== undefined;
    // The hash is part of it, so that a result does not survive a changed hash.
    const memory = this.#digest(isKnown ? 'known' : 'unknown', name, password, hash).toString('base64');
    return { memory, password, hash, isKnown };
  }

  /** Another user's hash, always the same one for a name, so that the costs of hashes reveal nothing either. */
  #borrowHash(users: Users, name: string): string {
    let hashes = this.#hashes.get(users);
    if (!hashes) this.#hashes.set(users, (hashes = [...users.values()]));
    return hashes[this.#digest('borrow', name).readUInt32BE() % hashes.length] ?? '';
  }

  #digest(...parts: readonly string[]): Buffer {
    const hmac = createHmac('sha256', this.#key);
    // No part has a NUL: neither a hash, nor a name or password, which have no control characters.
    return hmac.update(parts.join('\0')).digest();
  }

  #enqueue(comparison: Comparison, origin: Origin): Promise<Verdict> {
    const { memory } = comparison;
    const { client } = origin;
    const rank = this.#rankOf(client, comparison);
    const verdict = new Promise<Verdict>((settle) => {
      this.#queue.add({ rank, ...origin }, { comparison, client, settle })?.settle('busy');
    }).finally(() => this.#pending.delete(memory));
    this.#pending.set(memory, verdict);
    const comparer = this.#idle.pop();
    if (comparer) void this.#compareAll(comparer);
    return verdict;
  }

  /** A proven client that then gives a wrong password loses its rank: no flood keeps the first rank. */
  #rankOf(client: ClientKey, { isKnown }: Comparison): number {
    if (this.#proven.has(client)) return RANK.provenClient;
    return isKnown && !this.#doubted.has(client) ? RANK.existingName : RANK.rest;
  }

  async #compareAll(comparer: PasswordComparer): Promise<void> {
    for (let next = this.#queue.take(); next; next = this.#queue.take()) {
      const verdict = this.#compare(comparer, next);
      next.settle(verdict);
      await verdict.catch(() => undefined); // The callers get the error.
    }
    this.#idle.push(comparer);
  }

  async #compare(comparer: PasswordComparer, { comparison, client }: Waiting): Promise<Verdict> {
    const { memory, password, hash, isKnown } = comparison;
    const isRight = (await comparer.compare(password, hash)) && isKnown;
    (isRight ? this.#right : this.#wrong).set(memory, true);
    (isRight ? this.#proven : this.#doubted).set(client, true);
    (isRight ? this.#doubted : this.#proven).delete(client);
    return isRight ? 'right' : 'wrong';
  }
}

/** One a core. Each starts when there is work for it. */
function threads(): readonly PasswordComparer[] {
  return Array.from({ length: availableParallelism() }, () => new BcryptThread());
}
