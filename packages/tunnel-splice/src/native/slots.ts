/**
 * Things by small numbers, each number given again once its thing is gone. In place of a Map where things come and go with every tunnel:
 * a Map replaces its table again and again, and each table that was promoted to the old generation drags the next one there, with all
 * that stood in it, until a full collection (kilobytes of garbage a tunnel, and most of what scavenges cost).
 */
export class Slots<Thing> implements Iterable<Thing> {
  readonly #things: (Thing | undefined)[] = [];
  readonly #free: number[] = [];

  get count(): number {
    return this.#things.length - this.#free.length;
  }

  /** Returns the number by which it is known. */
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
