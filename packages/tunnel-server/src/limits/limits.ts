/**
 * Which clients are admitted: `limits.tunnels`, `tunnels_per_client` and `new_per_client`, counted from accept on, handshakes
 * included. Replicas with a shared store count the latter two together. Read this first.
 */
import type { Ip } from '@sallyport/addresses';
import { type ClientKey, clientKey } from './client-key.ts';
import { type Admission, askReplicas, refuse, refuseByPlaces, refuseByRate } from './refuse.ts';
import {
  type ConnectionLimits,
  isFull,
  type LimitedListener,
  ScopeCounts,
  countsOf,
  rateOf,
  scopeOf,
  type Scopes,
} from './scopes.ts';
import type { SharedLimits } from './shared/shared-limits.ts';

/** The counts of all listeners. They outlive a reload, with new limits. */
export interface Limits {
  /** A promise only where limits are shared and the other replicas have to be asked. */
  admit(listener: LimitedListener, client: Ip): Admission | Promise<Admission>;
  /** Whether it would be admitted as far as this replica knows. Takes no place and no token. Asked before expensive work. */
  wouldAdmit(listener: LimitedListener, client: Ip): boolean;
  /** For a further request of an admitted connection. It takes a token of `new_per_client`, as a connection does. */
  admitNext(listener: LimitedListener, client: Ip): Admission | Promise<Admission>;
  /**
   * Counts a connection for `limits.tunnels` while it is not known whose it is. Returns the function that ends that, to be called once;
   * undefined where there is no room.
   */
  awaitClient(listener: LimitedListener): (() => void) | undefined;
  /**
   * How many connections may be promised: a fourth of each limit, and none where more than half of it is taken. That holds for the global
   * limits too, which other listeners may keep to. Undefined where each connection needs a token, and where other replicas have to be
   * told.
   */
  roomFor(listener: LimitedListener, client: Ip): Room | undefined;
  /** Takes a place that was promised. */
  enter(listener: LimitedListener, client: Ip): void;
  /** How many connections count for `limits.tunnels` of a listener. */
  tunnelsHeld(listener: LimitedListener): number;
  /** The same for `limits.tunnels_per_client`, for the client with the most. */
  mostHeld(listener: LimitedListener): number;
  /** Gives a place back, once for each that was taken. */
  leave(listenerName: string, client: Ip): void;
  /** Sets new global limits, and the listeners. No connection is closed; new ones wait until the counts are low enough. */
  update(global: ConnectionLimits, listeners: readonly LimitedListener[]): void;
  /** From now on replicas count together; undefined: each by itself. */
  share(shared: SharedLimits | undefined): void;
  /** How much is remembered, for the tests that bound it. */
  remembered(): number;
}

/** How many connections may be promised at once. */
export interface Room {
  readonly inAll: number;
  readonly toClient: number;
}

/**
 * Makes the counters of a process.
 *
 * A value that a listener shares with the global `limits` is compared with the count over all listeners. A value of its own replaces it,
 * also a higher one: it is compared with that listener's own count. Its connections still count in the count over all.
 *
 * @param clock milliseconds that never go back
 */
export function createLimits(global: ConnectionLimits, clock: () => number = () => performance.now()): Limits {
  return new Counters(global, clock);
}

class Counters implements Limits {
  readonly #clock: () => number;
  readonly #everywhere = new ScopeCounts('*');
  readonly #listeners = new Map<string, ScopeCounts>();
  #global: ConnectionLimits;
  #replicas: SharedLimits | undefined;
  /** Which of the global limits some listener keeps to. */
  #kept = { tunnels: false, tunnels_per_client: false };
  /** The scopes of `tunnels_per_client`. */
  #counted: readonly ScopeCounts[] = [this.#everywhere];

  constructor(global: ConnectionLimits, clock: () => number) {
    this.#global = global;
    this.#clock = clock;
  }

  admit(listener: LimitedListener, client: Ip): Admission | Promise<Admission> {
    const key = clientKey(client);
    const scopes = this.#scopesOf(listener);
    const replicas = this.#replicas;
    const isAsked = replicas?.isUp === true;
    const refusal = isAsked ? refuseByPlaces(key, scopes) : refuse(key, scopes, this.#clock());
    if (refusal) return refusal;
    this.#enter(key, scopes.own);
    if (replicas === undefined) return ADMITTED;
    if (!isAsked) {
      replicas.changed(this.#everywhere, key, 1);
      replicas.changed(scopes.own, key, 1);
      return ADMITTED;
    }
    // The place is taken while they are asked, so that no more of them wait for an answer than there are places.
    return askReplicas(replicas, key, scopes, this.#clock).then((refused) => {
      if (refused) this.#leave(key, scopes.own);
      return refused ?? ADMITTED;
    });
  }

  admitNext(listener: LimitedListener, client: Ip): Admission | Promise<Admission> {
    const key = clientKey(client);
    const scopes = this.#scopesOf(listener);
    const replicas = this.#replicas;
    if (replicas?.isUp !== true || rateOf(scopes) === Infinity)
      return refuseByRate(key, scopes, this.#clock()) ?? ADMITTED;
    return askReplicas(replicas, key, scopes, this.#clock, 'token').then((refused) => refused ?? ADMITTED);
  }

  wouldAdmit(listener: LimitedListener, client: Ip): boolean {
    const key = clientKey(client);
    const scopes = this.#scopesOf(listener);
    if (this.#replicas?.isUp === true) return refuseByPlaces(key, scopes) === undefined;
    return refuse(key, scopes, this.#clock(), 'ask') === undefined;
  }

  awaitClient(listener: LimitedListener): (() => void) | undefined {
    const scopes = this.#scopesOf(listener);
    if (isFull(scopes)) return undefined;
    const both = [this.#everywhere, scopes.own];
    for (const counts of both) counts.awaited += 1;
    return () => {
      for (const counts of both) counts.awaited -= 1;
    };
  }

  roomFor(listener: LimitedListener, client: Ip): Room | undefined {
    const scopes = this.#scopesOf(listener);
    if (this.#replicas !== undefined || rateOf(scopes) !== Infinity) return undefined;
    const { tunnels, tunnels_per_client } = listener.limits;
    const key = clientKey(client);
    const { held } = scopeOf('tunnels', scopes);
    const heldByClient = scopeOf('tunnels_per_client', scopes).occupancy.of(key);
    return {
      inAll: Math.min(roomIn(tunnels, held), this.#roomInAll()),
      toClient: Math.min(roomIn(tunnels_per_client, heldByClient), this.#roomInAllFor(key)),
    };
  }

  enter(listener: LimitedListener, client: Ip): void {
    const key = clientKey(client);
    const { own } = this.#scopesOf(listener);
    this.#enter(key, own);
    this.#replicas?.changed(this.#everywhere, key, 1);
    this.#replicas?.changed(own, key, 1);
  }

  tunnelsHeld(listener: LimitedListener): number {
    return scopeOf('tunnels', this.#scopesOf(listener)).held;
  }

  mostHeld(listener: LimitedListener): number {
    return scopeOf('tunnels_per_client', this.#scopesOf(listener)).occupancy.most();
  }

  leave(listenerName: string, client: Ip): void {
    const key = clientKey(client);
    const own = countsOf(this.#listeners, listenerName);
    this.#leave(key, own);
    this.#replicas?.changed(this.#everywhere, key, -1);
    this.#replicas?.changed(own, key, -1);
  }

  update(global: ConnectionLimits, listeners: readonly LimitedListener[]): void {
    this.#global = global;
    this.#kept = {
      tunnels: listeners.some(({ limits }) => limits.tunnels === global.tunnels),
      tunnels_per_client: listeners.some(({ limits }) => limits.tunnels_per_client === global.tunnels_per_client),
    };
    const alone = listeners.filter(({ limits }) => limits.tunnels_per_client !== global.tunnels_per_client);
    const before = new Set(this.#counted);
    this.#counted = [this.#everywhere, ...alone.map(({ name }) => countsOf(this.#listeners, name))];
    for (const counts of this.#counted) if (!before.has(counts)) this.#replicas?.count(counts);
  }

  share(shared: SharedLimits | undefined): void {
    this.#replicas = shared;
    for (const counts of this.#counted) shared?.count(counts);
  }

  remembered(): number {
    return [this.#everywhere, ...this.#listeners.values()].reduce((sum, counts) => sum + counts.remembered, 0);
  }

  /** By the global limit, where a listener keeps to it. */
  #roomInAll(): number {
    return this.#kept.tunnels ? roomIn(this.#global.tunnels, this.#everywhere.held) : Infinity;
  }

  #roomInAllFor(key: ClientKey): number {
    if (!this.#kept.tunnels_per_client) return Infinity;
    return roomIn(this.#global.tunnels_per_client, this.#everywhere.occupancy.of(key));
  }

  #scopesOf(listener: LimitedListener): Scopes {
    const own = countsOf(this.#listeners, listener.name);
    return { listener, global: this.#global, everywhere: this.#everywhere, own };
  }

  #enter(key: ClientKey, own: ScopeCounts): void {
    this.#everywhere.occupancy.enter(key);
    own.occupancy.enter(key);
  }

  #leave(key: ClientKey, own: ScopeCounts): void {
    this.#everywhere.occupancy.leave(key);
    own.occupancy.leave(key);
  }
}

function roomIn(limit: number, held: number): number {
  return 2 * held > limit ? 0 : Math.floor(limit / 4);
}

const ADMITTED: Admission = { kind: 'admitted' };
