/** A cache of name servers' answers, kept while they are valid. */
import { LRUCache } from 'lru-cache';
import type { Ip } from '@sallyport/addresses';
import { type Answer, NO_ADDRESS, orderAddresses, type Rest } from './answer.ts';

/** The configuration's `dns.cache`, spelled as there; durations in milliseconds. */
export interface CacheSettings {
  /** The least recently used beyond so many is forgotten. */
  readonly entries: number;
  readonly min_ttl: number;
  readonly max_ttl: number;
  readonly negative_ttl: number;
  /** How long an expired answer may still serve when DNS fails. 0 or Infinity: off. */
  readonly stale_if_error: number;
}

/** How long a stale answer that had to serve is good for: a failing DNS is not asked more often (RFC 8767 §5). */
export const STALE_RECHECK_MS = 30_000;

/**
 * What an entry may weigh on average: twice what a usual one does. With the largest answers of {@link MAX_ADDRESSES_A_FAMILY} there is
 * room for some 2,000 bytes × `entries` of them, and no more.
 */
export const BYTES_AN_ENTRY = 2048;

/** What V8 takes for an entry and its place in the cache; the name and the addresses come on top. */
const ENTRY_BYTES = 400;

/** For one address: its object, its text and its words. */
const ADDRESS_BYTES = 200;

/** The largest entry fits into a cache of any size. */
const SMALLEST_CACHE_BYTES = 64 * 1024;

interface Entry {
  readonly answer: Answer;
  readonly expiresAt: number;
  /** Until when the answer may serve in place of a failure. */
  readonly staleUntil: number;
}

/** What is kept of a look-up. */
export interface Found {
  readonly addresses: readonly Ip[];
  readonly ttlMs: number;
  /** One family is not known: the answer is half of one. */
  readonly rest?: Rest;
}

/**
 * Expired answers stay until they are pushed out, so that they can serve when DNS fails. Times are those of
 * `performance.now()`.
 */
export class AnswerCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #settings: CacheSettings;

  constructor(settings: CacheSettings) {
    this.#settings = settings;
    this.#entries = new LRUCache({
      max: Math.max(1, settings.entries),
      maxSize: Math.max(SMALLEST_CACHE_BYTES, settings.entries * BYTES_AN_ENTRY),
      sizeCalculation: entryBytes,
    });
  }

  get(name: string, now: number): Answer | undefined {
    const entry = this.#entries.get(name);
    return entry && now < entry.expiresAt ? entry.answer : undefined;
  }

  keep(name: string, { addresses, ttlMs, rest }: Found): Answer {
    if (rest) return this.#keepHalf(name, { addresses, ttlMs, rest });
    const graceMs = this.#graceMs;
    return this.#store(name, { kind: 'addresses', addresses }, { ttlMs: this.#clamp(ttlMs), graceMs });
  }

  /**
   * Keeps that the name has no address, and forgets the addresses it had: that it has none is no failure (RFC 8767 §4).
   */
  keepNone(name: string, none: Answer = NO_ADDRESS): Answer {
    return this.#store(name, none, { ttlMs: this.#settings.negative_ttl, graceMs: 0 });
  }

  /** The expired answer that serves while DNS fails, if there is one; it then holds for {@link STALE_RECHECK_MS}. */
  serveStale(name: string): Answer | undefined {
    const now = performance.now();
    const entry = this.#entries.get(name);
    if (!entry || now >= entry.staleUntil) return undefined;
    const holdsMs = isHalf(entry.answer) ? this.#clampHalf(STALE_RECHECK_MS) : STALE_RECHECK_MS;
    this.#entries.set(name, { ...entry, expiresAt: Math.min(now + holdsMs, entry.staleUntil) });
    return entry.answer;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** What is kept, by the estimate that bounds it. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** For the family that is not known, an expired answer may stand in, as for a failure of both. */
  #keepHalf(name: string, { addresses, ttlMs, rest }: Found & { readonly rest: Rest }): Answer {
    const graceMs = this.#graceMs;
    const now = performance.now();
    const old = this.#entries.get(name);
    const family = rest.missing === 'A' ? 4 : 6;
    const isOldOfUse = old?.answer.kind === 'addresses' && now < old.staleUntil;
    const stale = isOldOfUse ? old.answer.addresses.filter((ip) => ip.family === family) : [];
    const answer: Answer = { kind: 'addresses', addresses: orderAddresses([...addresses, ...stale], 'auto'), rest };
    const times = { ttlMs: this.#clampHalf(this.#clamp(ttlMs)), graceMs };
    // What is stale gets no older by company that is not.
    if (stale.length === 0) return this.#store(name, answer, times);
    return this.#store(name, answer, { ...times, graceMs: Math.max(0, (old?.staleUntil ?? 0) - now - times.ttlMs) });
  }

  get #graceMs(): number {
    const { stale_if_error } = this.#settings;
    return stale_if_error === Infinity ? 0 : stale_if_error;
  }

  #clamp(ttlMs: number): number {
    const { min_ttl, max_ttl } = this.#settings;
    return Number.isFinite(ttlMs) ? Math.min(Math.max(ttlMs, min_ttl), max_ttl) : min_ttl;
  }

  /** What has failed is soon asked again, like a name without an address. */
  #clampHalf(ms: number): number {
    return Math.min(ms, this.#settings.negative_ttl);
  }

  #store(
    name: string,
    answer: Answer,
    { ttlMs, graceMs }: { readonly ttlMs: number; readonly graceMs: number },
  ): Answer {
    const expiresAt = performance.now() + ttlMs;
    if (this.#settings.entries > 0) this.#entries.set(name, { answer, expiresAt, staleUntil: expiresAt + graceMs });
    return answer;
  }
}

function isHalf(answer: Answer): boolean {
  return answer.kind === 'addresses' && answer.rest !== undefined;
}

function entryBytes({ answer }: Entry, name: string): number {
  const addresses = answer.kind === 'addresses' ? answer.addresses.length : 0;
  return ENTRY_BYTES + name.length + addresses * ADDRESS_BYTES;
}
