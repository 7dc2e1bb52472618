/** The most frequent of any number of keys, in bounded memory (Metwally, Agrawal, El Abbadi: Space-Saving, 2005). */

/** A key that is among the most frequent. */
export interface Frequent<Latest> {
  readonly key: string;
  /** How often it came, at least: exact until there have been more keys than places. */
  readonly count: number;
  readonly latest: Latest;
}

interface Place<Latest> {
  readonly key: string;
  latest: Latest;
  /** How often it came, at most. */
  count: number;
  /** The count of the key that had this place before. */
  readonly inherited: number;
}

/** Clients choose the keys. A key beyond the places replaces the rarest. Each step takes the same time, however many keys there are. */
export class SpaceSaving<Latest> {
  readonly #places: number;
  readonly #byKey = new Map<string, Place<Latest>>();
  readonly #byCount = new Map<number, Set<Place<Latest>>>();
  #lowestCount = 0;

  constructor(places: number) {
    this.#places = places;
  }

  add(key: string, latest: Latest): void {
    const known = this.#byKey.get(key);
    if (known) {
      this.#leave(known);
      known.latest = latest;
      known.count += 1;
      this.#enter(known);
      return;
    }
    const inherited = this.#byKey.size < this.#places ? 0 : this.#evict();
    const place = { key, latest, count: inherited + 1, inherited };
    this.#byKey.set(key, place);
    this.#enter(place);
    if (inherited === 0) this.#lowestCount = 1;
  }

  /** The most frequent first, by the count that is certain. */
  top(limit: number): readonly Frequent<Latest>[] {
    return [...this.#byKey.values()]
      .map(({ key, latest, count, inherited }) => ({ key, latest, count: count - inherited }))
      .sort((one, other) => other.count - one.count)
      .slice(0, limit);
  }

  /** Removes the rarest key, the oldest of them. Returns its count. */
  #evict(): number {
    const count = this.#lowestCount;
    for (const place of this.#byCount.get(count) ?? []) {
      this.#leave(place);
      this.#byKey.delete(place.key);
      break;
    }
    return count;
  }

  #enter(place: Place<Latest>): void {
    const alike = this.#byCount.get(place.count) ?? new Set();
    this.#byCount.set(place.count, alike.add(place));
  }

  /** A key that leaves a count comes back one higher, or a newer key does. So the lowest count grows by one at a time. */
  #leave(place: Place<Latest>): void {
    const alike = this.#byCount.get(place.count);
    alike?.delete(place);
    if (alike === undefined || alike.size > 0) return;
    this.#byCount.delete(place.count);
    if (this.#lowestCount === place.count) this.#lowestCount += 1;
  }
}
