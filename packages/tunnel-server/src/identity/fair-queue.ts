/** Work that waits for one worker: each client in turn, so that a flood from one waits behind itself. */

/** How much may wait. */
export interface QueueLimits {
  readonly perClient: number;
  readonly total: number;
}

/** A queue for each client, and a place in the round for each queue. */
export class FairQueue<Client, Item> {
  readonly #limits: QueueLimits;
  /** In the order of their turns: who has just had one goes to the end. */
  readonly #waiting = new Map<Client, Item[]>();
  #length = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /**
   * Lets an item wait. Returns the one that may not: itself where its client has its share already; where all places are
   * taken, the last come of the client with most of them.
   */
  add(client: Client, item: Item): Item | undefined {
    const own = this.#waiting.get(client) ?? [];
    if (own.length >= this.#limits.perClient) return item;
    const longest = this.#length < this.#limits.total ? undefined : this.#longest();
    if (longest !== undefined && longest.length <= own.length + 1) return item;
    own.push(item);
    this.#waiting.set(client, own);
    if (longest === undefined) this.#length += 1;
    return longest?.pop();
  }

  /** Takes the first item of the client whose turn it is. */
  take(): Item | undefined {
    for (const [client, items] of this.#waiting) {
      const item = items.shift();
      this.#waiting.delete(client);
      if (items.length > 0) this.#waiting.set(client, items);
      this.#length -= 1;
      return item;
    }
    return undefined;
  }

  /** Only looked for when the queue is full, which bounds the search too. */
  #longest(): Item[] {
    let longest: Item[] = [];
    for (const items of this.#waiting.values()) if (items.length > longest.length) longest = items;
    return longest;
  }
}
