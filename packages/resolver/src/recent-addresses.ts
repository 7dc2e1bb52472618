/** The recent addresses of names. Many names rotate their addresses, and a client may dial one that it was told minutes ago. */
import type { Ip } from '@sallyport/addresses';
import { MAX_ADDRESSES_A_FAMILY } from './answer.ts';
import { NameCache } from './name-cache.ts';

/** Twice the longest time that an answer is cached by default. Browsers and system resolvers cache no longer. */
export const RECENT_MS = 10 * 60_000;

/** For one name: twice an answer's addresses at most. Above that, the addresses that were answered the longest ago are removed. */
const ADDRESSES_PER_NAME = 2 * MAX_ADDRESSES_A_FAMILY;

/** The average size of a name. */
export const BYTES_A_NAME = 1024;

/** What V8 needs for a name's map and its place; and for one address in it. */
const MAP_BYTES = 400;
const ADDRESS_BYTES = 100;

/** The largest map fits, however few names there are. */
const SMALLEST_BYTES = 64 * 1024;

/** Bounded by `names` and by bytes; the least recently used names are removed first. Times are those of `performance.now()`. */
export class RecentAddresses {
  /** When each address was last in an answer, the latest at the end. */
  readonly #answeredAt: NameCache<ReadonlyMap<string, number>>;

  constructor(names: number) {
    this.#answeredAt = new NameCache({
      names: Math.max(1, names),
      bytes: Math.max(SMALLEST_BYTES, names * BYTES_A_NAME),
      bytesOf: (ofName, name) => MAP_BYTES + name.length + ofName.size * ADDRESS_BYTES,
    });
  }

  note(name: string, addresses: readonly Ip[]): void {
    const now = performance.now();
    // A new map each time: the cache does not measure a stored one again.
    const ofName = new Map(this.#answeredAt.get(name));
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

  /** The estimated size, which is bounded. */
  get bytes(): number {
    return this.#answeredAt.bytes;
  }
}
