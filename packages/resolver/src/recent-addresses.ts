/** Which addresses names had lately: many a name has others at each look-up, and a client dials what it was told minutes ago. */
import { LRUCache } from 'lru-cache';
import type { Ip } from '@sallyport/addresses';

/** Twice the longest that an answer is kept by default; browsers and system resolvers keep theirs no longer. */
export const RECENT_MS = 10 * 60_000;

/** Of one name; beyond, those that were answered the longest ago are forgotten. */
const ADDRESSES_PER_NAME = 64;

/** Bounded by `names`, the least recently asked for forgotten first. Times are those of `performance.now()`. */
export class RecentAddresses {
  /** When each address was last in an answer, the latest at the end. */
  readonly #answeredAt: LRUCache<string, Map<string, number>>;

  constructor(names: number) {
    this.#answeredAt = new LRUCache({ max: Math.max(1, names) });
  }

  note(name: string, addresses: readonly Ip[]): void {
    const now = performance.now();
    const ofName = this.#answeredAt.get(name) ?? new Map<string, number>();
    for (const { text } of addresses) {
      ofName.delete(text);
      ofName.set(text, now);
    }
    for (const oldest of ofName.keys()) {
      if (ofName.size <= ADDRESSES_PER_NAME) break;
      ofName.delete(oldest);
    }
    this.#answeredAt.set(name, ofName);
  }

  has(name: string, { text }: Ip): boolean {
    const answeredAt = this.#answeredAt.get(name)?.get(text);
    return answeredAt !== undefined && performance.now() - answeredAt <= RECENT_MS;
  }
}
