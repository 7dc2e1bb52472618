/** Counts how many of the places for look-ups each client holds. */
import type { ClientKey } from './answer.ts';

/**
 * A client gets another place while it holds fewer than are free. So one client alone takes at most half of them, and a place is left for
 * a new client however many others take all they can.
 */
export class Places {
  readonly #total: number;
  readonly #takenBy = new Map<ClientKey, number>();
  #taken = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** True if the client has got another place, to be given back by {@link leave}. */
  take(client: ClientKey): boolean {
    const own = this.#takenBy.get(client) ?? 0;
    if (own >= this.#total - this.#taken) return false;
    this.#takenBy.set(client, own + 1);
    this.#taken += 1;
    return true;
  }

  leave(client: ClientKey): void {
    const own = this.#takenBy.get(client) ?? 0;
    if (own > 1) this.#takenBy.set(client, own - 1);
    else this.#takenBy.delete(client);
    this.#taken -= 1;
  }
}
