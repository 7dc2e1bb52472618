/** Answers of name servers, for as long as they hold. */
import { LRUCache } from 'lru-cache';
import type { Ip } from '@sallyport/addresses';
import { NO_ADDRESS, type Answer } from './answer.ts';

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

interface Entry {
  readonly answer: Answer;
  readonly expiresAt: number;
  /** Until when the answer may serve in place of a failure. */
  readonly staleUntil: number;
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
    this.#entries = new LRUCache({ max: Math.max(1, settings.entries) });
  }

  get(name: string, now: number): Answer | undefined {
    const entry = this.#entries.get(name);
    return entry && now < entry.expiresAt ? entry.answer : undefined;
  }

  keep(name: string, addresses: readonly Ip[], ttlMs: number): Answer {
    const { min_ttl, max_ttl, stale_if_error } = this.#settings;
    const graceMs = stale_if_error === Infinity ? 0 : stale_if_error;
    const answer: Answer = { kind: 'addresses', addresses };
    return this.#store(name, answer, { ttlMs: Math.min(Math.max(ttlMs, min_ttl), max_ttl), graceMs });
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
    this.#entries.set(name, { ...entry, expiresAt: Math.min(now + STALE_RECHECK_MS, entry.staleUntil) });
    return entry.answer;
  }

  clear(): void {
    this.#entries.clear();
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
