/** How many tunnels the transport may still make by its verdicts. These count against the limits before they are there. */
import type { Ip } from '@sallyport/addresses';
import { type ClientKey, clientKey } from '../limits/client-key.ts';
import type { Limits } from '../limits/limits.ts';
import type { LimitedListener } from '../limits/scopes.ts';

/** The most for all clients together. */
const MOST_PROMISED = 8_192;

/** For whom a tunnel is promised. */
export interface Recipient {
  readonly listener: LimitedListener;
  readonly client: Ip;
}

export class PromisedTunnels {
  readonly #limits: Pick<Limits, 'roomFor'>;
  #total = 0;
  readonly #byClient = new Map<ClientKey, number>();
  readonly #byListener = new Map<LimitedListener, number>();

  constructor(limits: Pick<Limits, 'roomFor'>) {
    this.#limits = limits;
  }

  /** How many may be promised now: half of what the limits have room for, so that there is room for the next verdict, too. */
  roomFor({ listener, client }: Recipient): number {
    const room = this.#limits.roomFor(listener, client);
    if (room === undefined) return 0;
    const inAll = Math.min(room.inAll, MOST_PROMISED) - this.#total;
    const toClient = room.toClient - (this.#byClient.get(clientKey(client)) ?? 0);
    return Math.floor(Math.min(inAll, toClient) / 2);
  }

  /** So many more are promised; fewer where `tunnels` is negative. */
  add({ listener, client }: Recipient, tunnels: number): void {
    this.#total += tunnels;
    addTo(this.#byClient, clientKey(client), tunnels);
    addTo(this.#byListener, listener, tunnels);
  }

  /** Whether a limit by which something is promised is half used by connections that are there. `client` has just opened one. */
  isLimitHalfUsed(client: Ip): boolean {
    if (this.#total === 0) return false;
    const isPromisedMore = this.#byClient.has(clientKey(client));
    // A connection at one listener may count for the limits of another one.
    for (const listener of this.#byListener.keys()) {
      const room = this.#limits.roomFor(listener, client);
      if (room === undefined || room.inAll === 0 || (isPromisedMore && room.toClient === 0)) return true;
    }
    return false;
  }
}

/** Adds to the count of a key, which is left out of the map where it is 0. */
function addTo<Key>(counts: Map<Key, number>, key: Key, tunnels: number): void {
  const sum = (counts.get(key) ?? 0) + tunnels;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}
