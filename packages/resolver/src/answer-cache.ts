/** A cache of name servers' answers, kept while they are valid. */
import type { Ip } from '@sallyport/addresses';
import { type Answer, type Failure, orderAddresses, type RecordType, type Rest } from './answer.ts';
import { NameCache } from './name-cache.ts';

/** The configuration's `dns.cache`, with the same keys; durations in milliseconds. */
export interface CacheSettings {
  /** The number of names; above it the least recently used are removed. */
  readonly entries: number;
  readonly min_ttl: number;
  readonly max_ttl: number;
  readonly negative_ttl: number;
  /** How long an expired answer may be used when DNS fails. 0 or Infinity: off. */
  readonly stale_if_error: number;
}

/** How long a stale answer is used once DNS has failed, before DNS is queried again (RFC 8767 §5). */
export const STALE_RECHECK_MS = 30_000;

/**
 * The average size of an entry: twice that of a usual one. So the largest answers of {@link MAX_ADDRESSES_A_FAMILY} together take at most
 * some 2,000 bytes × `entries`.
 */
export const BYTES_AN_ENTRY = 2048;

/** What V8 needs for an entry and its place in the cache, without the name and the addresses. */
const ENTRY_BYTES = 400;

/** For one address: its object, its text and its words. */
const ADDRESS_BYTES = 200;

/** The largest entry fits into a cache of any size. */
const SMALLEST_CACHE_BYTES = 64 * 1024;

interface Entry {
  readonly answer: Answer;
  /** Since when it is the answer. */
  readonly keptAt: number;
  readonly expiresAt: number;
  /** Until when the answer may be used when DNS fails. */
  readonly staleUntil: number;
}

/** The result of a look-up, to be kept. */
export interface Found {
  readonly addresses: readonly Ip[];
  readonly ttlMs: number;
  /** Set where the addresses of one family are missing. */
  readonly rest?: Rest;
}

/** Expired answers stay until there is no room, so that they can be used when DNS fails. Times are those of `performance.now()`. */
export class AnswerCache {
  readonly #entries: NameCache<Entry>;
  readonly #settings: CacheSettings;

  constructor(settings: CacheSettings) {
    this.#settings = settings;
    this.#entries = new NameCache({
      names: settings.entries,
      bytes: Math.max(SMALLEST_CACHE_BYTES, settings.entries * BYTES_AN_ENTRY),
      bytesOf: entryBytes,
    });
  }

  get(name: string, now: number): Answer | undefined {
    const entry = this.#entries.get(name);
    return entry && now < entry.expiresAt ? entry.answer : undefined;
  }

  /** For how long it has the answer that it had at `since`; 0 where it has none, or another one. */
  leftMs(name: string, now: number, since: number): number {
    const entry = this.#entries.get(name);
    return entry && entry.keptAt <= since ? Math.max(0, entry.expiresAt - now) : 0;
  }

  keep(name: string, { addresses, ttlMs, rest }: Found): Answer {
    if (rest) return this.#keepHalf(name, { addresses, ttlMs, rest });
    const graceMs = this.#graceMs;
    return this.#store(name, { kind: 'addresses', addresses }, { ttlMs: this.#clamp(ttlMs), graceMs });
  }

  /** Stores that the name has no address, and removes the addresses it had: this is not a failure of DNS (RFC 8767 §4). */
  keepNone(name: string, none: Failure): Answer {
    return this.#store(name, none, { ttlMs: this.#settings.negative_ttl, graceMs: 0 });
  }

  /**
   * The answer to use while DNS fails, if there is one. Where it has expired, it is then valid for {@link STALE_RECHECK_MS}.
   * @param lacking what the name does not have any more, as a server has said: the addresses of that type are removed for good
   */
  serveStale(name: string, failure: Failure, lacking?: RecordType): Answer | undefined {
    const now = performance.now();
    if (lacking) this.#remove(name, lacking);
    const entry = this.#entries.get(name);
    if (entry?.answer.kind !== 'addresses' || now >= entry.staleUntil) return undefined;
    const answer = { ...entry.answer, failure };
    if (now < entry.expiresAt) return answer;
    const holdsMs = isHalf(answer) ? this.#clampHalf(STALE_RECHECK_MS) : STALE_RECHECK_MS;
    this.#entries.set(name, { ...entry, answer, expiresAt: Math.min(now + holdsMs, entry.staleUntil) });
    return answer;
  }

  /** The estimated size of all entries, which is bounded. */
  get bytes(): number {
    return this.#entries.bytes;
  }

  /** An expired answer may be used for the missing family, as for a failure of both. */
  #keepHalf(name: string, { addresses, ttlMs, rest }: Found & { readonly rest: Rest }): Answer {
    const graceMs = this.#graceMs;
    const now = performance.now();
    const old = this.#entries.get(name);
    const family = FAMILY_OF[rest.missing];
    const isOldOfUse = old?.answer.kind === 'addresses' && now < old.staleUntil;
    const stale = isOldOfUse ? old.answer.addresses.filter((ip) => ip.family === family) : [];
    const answer: Answer = { kind: 'addresses', addresses: orderAddresses([...addresses, ...stale], 'auto'), rest };
    const times = { ttlMs: this.#clampHalf(this.#clamp(ttlMs)), graceMs };
    // Stale addresses get no longer life by being combined with fresh ones.
    if (stale.length === 0) return this.#store(name, answer, times);
    return this.#store(name, answer, { ...times, graceMs: Math.max(0, (old?.staleUntil ?? 0) - now - times.ttlMs) });
  }

  #remove(name: string, type: RecordType): void {
    const entry = this.#entries.get(name);
    if (entry?.answer.kind !== 'addresses') return;
    const addresses = entry.answer.addresses.filter((ip) => ip.family !== FAMILY_OF[type]);
    if (addresses.length === entry.answer.addresses.length) return;
    if (addresses.length === 0) this.#entries.delete(name);
    else this.#entries.set(name, { ...entry, answer: { ...entry.answer, addresses }, keptAt: performance.now() });
  }

  get #graceMs(): number {
    const { stale_if_error } = this.#settings;
    return stale_if_error === Infinity ? 0 : stale_if_error;
  }

  #clamp(ttlMs: number): number {
    const { min_ttl, max_ttl } = this.#settings;
    return Number.isFinite(ttlMs) ? Math.min(Math.max(ttlMs, min_ttl), max_ttl) : min_ttl;
  }

  /** A failed family is queried again soon, like a name without an address. */
  #clampHalf(ms: number): number {
    return Math.min(ms, this.#settings.negative_ttl);
  }

  #store(
    name: string,
    answer: Answer,
    { ttlMs, graceMs }: { readonly ttlMs: number; readonly graceMs: number },
  ): Answer {
    const keptAt = performance.now();
    const expiresAt = keptAt + ttlMs;
    const staleUntil = expiresAt + graceMs;
    if (this.#settings.entries > 0) this.#entries.set(name, { answer, keptAt, expiresAt, staleUntil });
    return answer;
  }
}

const FAMILY_OF = { A: 4, AAAA: 6 } as const satisfies Record<RecordType, Ip['family']>;

function isHalf(answer: Answer): boolean {
  return answer.kind === 'addresses' && answer.rest !== undefined;
}

function entryBytes({ answer }: Entry, name: string): number {
  const addresses = answer.kind === 'addresses' ? answer.addresses.length : 0;
  return ENTRY_BYTES + name.length + addresses * ADDRESS_BYTES;
}
