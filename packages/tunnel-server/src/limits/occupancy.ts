/** How many connections each client holds at the moment. */
import type { ClientKey } from './client-key.ts';

/** Counts connections, in all and per client. A client with none is forgotten, so memory follows the connections. */
export class Occupancy {
  readonly #byClient = new Map<ClientKey, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** How many clients hold a connection. */
  get clients(): number {
    return this.#byClient.size;
  }

  of(client: ClientKey): number {
    return this.#byClient.get(client) ?? 0;
  }

  /** The connections of the client that holds the most. */
  most(): number {
    let most = 0;
    for (const count of this.#byClient.values()) most = Math.max(most, count);
    return most;
  }

  /** The clients with a connection, also those that come during the iteration. */
  clientKeys(): Iterable<ClientKey> {
    return this.#byClient.keys();
  }

  enter(client: ClientKey): void {
    this.#total++;
    this.#byClient.set(client, this.of(client) + 1);
  }

  leave(client: ClientKey): void {
    this.#total--;
    const left = this.of(client) - 1;
    if (left > 0) this.#byClient.set(client, left);
    else this.#byClient.delete(client);
  }
}
