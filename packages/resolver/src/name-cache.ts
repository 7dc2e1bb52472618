/** Values by name, bounded in number and in bytes. */
import { LRUCache } from 'lru-cache';

/** How much is kept. The least recently used names are removed first. */
export interface NameCacheOptions<Value> {
  readonly names: number;
  readonly bytes: number;
  /** Asked once for each value that is set. */
  readonly bytesOf: (value: Value, name: string) => number;
}

/** Takes memory for the names that it holds, however many it may hold: `dns.cache.entries` may be any number. */
export class NameCache<Value extends object> {
  /** Without its own `max`, for which it would make room in advance. */
  readonly #values: LRUCache<string, Value>;
  readonly #names: number;

  constructor({ names, bytes, bytesOf }: NameCacheOptions<Value>) {
    this.#values = new LRUCache({ maxSize: bytes, sizeCalculation: bytesOf });
    this.#names = names;
  }

  get(name: string): Value | undefined {
    return this.#values.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
    if (this.#values.size > this.#names) this.#values.pop();
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  /** The estimated size, which is bounded. */
  get bytes(): number {
    return this.#values.calculatedSize;
  }
}
