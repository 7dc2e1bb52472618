/** A queue for a few workers. The better rank is served first, then each neighbourhood in turn, and in it each client in turn. */

/** How much may wait. */
export interface QueueLimits {
  readonly perClient: number;
  readonly total: number;
}

/** The client that an item belongs to. */
export interface Asker<Client> {
  /** 0 is served first. A higher one waits until no lower one is left. */
  readonly rank: number;
  /** The network that the addresses of one owner have in common. */
  readonly neighbourhood: Client;
  readonly client: Client;
}

/**
 * There is a queue for each client, a round of clients for each neighbourhood, and a round of those for each rank. So a flood delays only
 * its own neighbourhood, however many addresses it comes from.
 */
export class FairQueue<Client, Item> {
  readonly #limits: QueueLimits;
  /** Sparse until each rank was used. */
  readonly #ranks: (Round<Client, Item> | undefined)[] = [];
  #length = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /**
   * Adds an item. Returns the one that may not wait: the item itself where its client has its share already; where all places are taken,
   * the last item of the worst rank, in the neighbourhood and client with most of them.
   */
  add({ rank, neighbourhood, client }: Asker<Client>, item: Item): Item | undefined {
    const round = (this.#ranks[rank] ??= new Map<Client, Neighbourhood<Client, Item>>());
    const own = round.get(neighbourhood);
    const waiting = own?.clients.get(client) ?? [];
    if (waiting.length >= this.#limits.perClient) return item;
    const victim = this.#length < this.#limits.total ? undefined : this.#findVictim(rank, own, waiting);
    if (victim === 'none') return item;
    const refused = victim && this.#removeLast(victim);

    // Looked up only here: the victim may have been the last of its neighbourhood, which then was removed from the round.
    const place: Neighbourhood<Client, Item> = round.get(neighbourhood) ?? { clients: new Map(), length: 0 };
    round.set(neighbourhood, place);
    const items = place.clients.get(client) ?? [];
    place.clients.set(client, items);
    items.push(item);
    place.length += 1;
    this.#length += 1;
    return refused;
  }

  /** Takes the first item of the client whose turn it is. */
  take(): Item | undefined {
    for (const round of this.#ranks.filter((one) => one !== undefined)) {
      for (const [neighbourhood, place] of round) {
        const item = takeTurn(place);
        // In the order of their turns: the one just served goes to the end.
        round.delete(neighbourhood);
        if (place.length > 0) round.set(neighbourhood, place);
        this.#length -= 1;
        return item;
      }
    }
    return undefined;
  }

  /** Searched only when the queue is full, which bounds the search too. */
  #findVictim(
    rank: number,
    own: Neighbourhood<Client, Item> | undefined,
    waiting: readonly Item[],
  ): Victim<Client, Item> | 'none' {
    const worst = this.#ranks.findLastIndex((round) => round !== undefined && round.size > 0);
    if (worst < rank) return 'none';
    const round = this.#ranks[worst];
    const largest = round && findLongest(round, ({ length }) => length);
    const busiest = largest && findLongest(largest.value.clients, ({ length }) => length);
    if (!round || !largest || !busiest) return 'none';
    const [place, items] = [largest.value, busiest.value];
    const victim = { round, neighbourhood: largest.key, place, client: busiest.key, items };
    if (worst > rank) return victim;
    // Within its own neighbourhood a new item takes a place only from a client that has more than its own would then have.
    if (place === own) return items.length > waiting.length + 1 ? victim : 'none';
    return place.length > (own?.length ?? 0) + 1 ? victim : 'none';
  }

  #removeLast({ round, neighbourhood, place, client, items }: Victim<Client, Item>): Item | undefined {
    const last = items.pop();
    if (items.length === 0) place.clients.delete(client);
    place.length -= 1;
    if (place.length === 0) round.delete(neighbourhood);
    this.#length -= 1;
    return last;
  }
}

interface Neighbourhood<Client, Item> {
  readonly clients: Map<Client, Item[]>;
  length: number;
}

type Round<Client, Item> = Map<Client, Neighbourhood<Client, Item>>;

interface Victim<Client, Item> {
  readonly round: Round<Client, Item>;
  readonly neighbourhood: Client;
  readonly place: Neighbourhood<Client, Item>;
  readonly client: Client;
  readonly items: Item[];
}

function takeTurn<Client, Item>(place: Neighbourhood<Client, Item>): Item | undefined {
  for (const [client, items] of place.clients) {
    const item = items.shift();
    place.clients.delete(client);
    if (items.length > 0) place.clients.set(client, items);
    place.length -= 1;
    return item;
  }
  return undefined;
}

function findLongest<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  lengthOf: (value: Value) => number,
): { readonly key: Key; readonly value: Value } | undefined {
  let longest: { readonly key: Key; readonly value: Value } | undefined;
  for (const [key, value] of map) if (!longest || lengthOf(value) > lengthOf(longest.value)) longest = { key, value };
  return longest;
}
