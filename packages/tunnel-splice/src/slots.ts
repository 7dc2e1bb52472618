/**
 * A table of things by small numbers. A number is used again once its thing is removed. It replaces a Map where things come and go with
 * every tunnel. A Map replaces its table again and again. A table in the old generation keeps the next one alive, with all that stood in
 * it, until a full collection: kilobytes of garbage a tunnel, and most of the cost of scavenges.
 */
export class Slots<Thing> implements Iterable<Thing> {
  readonly #things: (Thing | undefined)[] = [];
  readonly #free: number[] = [];

  get count(): number {
    return this.#things.length - this.#free.length;
  }

  /** Returns the thing's number. */
  add(thing: Thing): number {
    const slot = this.#free.pop() ?? this.#things.length;
    this.#things[slot] = thing;
    return slot;
  }

  get(slot: number): Thing | undefined {
    return this.#things[slot];
  }

  /** Does nothing where there is none. */
  remove(slot: number): void {
    if (this.#things[slot] === undefined) return;
    this.#things[slot] = undefined;
    this.#free.push(slot);
  }

  /** What is added meanwhile may or may not be seen. */
  *[Symbol.iterator](): Iterator<Thing> {
    for (const thing of this.#things) if (thing !== undefined) yield thing;
  }
}
