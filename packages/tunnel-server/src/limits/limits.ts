/**
 * Which clients are admitted: `limits.tunnels`, `tunnels_per_client` and `new_per_client`, counted from accept on, handshakes
 * included. Replicas with a shared store count the latter two together.
 */
import type { Ip } from '@sallyport/addresses';
import { Occupancy } from './occupancy.ts';
import type { Answer } from './shared/batch.ts';
import type { SharedLimits } from './shared/shared-limits.ts';
import { TokenBuckets, type ClientKey, type RatePerSecond } from './token-buckets.ts';

/** The part of the configuration's `limits` that is enforced here, with the same keys. */
export interface ConnectionLimits {
  /** At once. */
  readonly tunnels: number;
  /** At once, per IPv4 address or IPv6 /64. */
  readonly tunnels_per_client: number;
  /** Undefined or Infinity: off. */
  readonly new_per_client?: RatePerSecond | undefined;
}

/** A listener and its limits: the global ones, with its own in their place. */
export interface LimitedListener {
  readonly name: string;
  readonly limits: ConnectionLimits;
}

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly reason: 'overload' }
  | { readonly kind: 'refused'; readonly reason: 'client_limit'; readonly retryAfterSeconds: number };

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
  /** How many connections count for `limits.tunnels` of a listener. */
  tunnelsHeld(listener: LimitedListener): number;
  /** Gives a place back, once for each that was taken. */
  leave(listenerName: string, client: Ip): void;
  /** Sets new global limits, and the listeners. No connection is closed; new ones wait until the counts are low enough. */
  update(global: ConnectionLimits, listeners: readonly LimitedListener[]): void;
  /** The same for `limits.tunnels_per_client`, for the client with the most. */
  mostHeld(listener: LimitedListener): number;
  /** From now on replicas count together; undefined: each by itself. */
  share(shared: SharedLimits | undefined): void;
  /** How much is remembered, for the tests that bound it. */
  remembered(): number;
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
  const everywhere = new Place('*');
  const listeners = new Map<string, Place>();
  let shared = global;
  let replicas: SharedLimits | undefined;
  /** The scopes of `tunnels_per_client`. */
  let counted: readonly Place[] = [everywhere];
  const scopesOf = (listener: LimitedListener): Scopes => {
    return { listener, shared, everywhere, own: placeOf(listeners, listener.name) };
  };
  const enter = (key: ClientKey, { own }: Scopes): void => {
    everywhere.occupancy.enter(key);
    own.occupancy.enter(key);
  };
  const leave = (key: ClientKey, own: Place): void => {
    everywhere.occupancy.leave(key);
    own.occupancy.leave(key);
  };

  return {
    admit(listener, client) {
      const key = clientKey(client);
      const scopes = scopesOf(listener);
      const isAsked = replicas?.isUp === true;
      const refusal = isAsked ? refuseByPlaces(key, scopes) : refuse(key, scopes, clock());
      if (refusal) return refusal;
      enter(key, scopes);
      if (replicas === undefined) return ADMITTED;
      if (!isAsked) {
        replicas.changed(everywhere, key, 1);
        replicas.changed(scopes.own, key, 1);
        return ADMITTED;
      }
      // The place is taken while they are asked, so that no more of them wait for an answer than there are places.
      return askReplicas(replicas, key, scopes, clock).then((refused) => {
        if (refused) leave(key, scopes.own);
        return refused ?? ADMITTED;
      });
    },
    admitNext(listener, client) {
      const key = clientKey(client);
      const scopes = scopesOf(listener);
      if (replicas?.isUp !== true || rateOf(scopes) === Infinity) return refuseByRate(key, scopes, clock()) ?? ADMITTED;
      return askReplicas(replicas, key, scopes, clock, 'token').then((refused) => refused ?? ADMITTED);
    },
    wouldAdmit(listener, client) {
      const key = clientKey(client);
      const scopes = scopesOf(listener);
      if (replicas?.isUp === true) return refuseByPlaces(key, scopes) === undefined;
      return refuse(key, scopes, clock(), 'ask') === undefined;
    },
    awaitClient(listener) {
      const scopes = scopesOf(listener);
      if (isFull(scopes)) return undefined;
      const places = [everywhere, scopes.own];
      for (const place of places) place.awaited += 1;
      return () => {
        for (const place of places) place.awaited -= 1;
      };
    },
    tunnelsHeld: (listener) => scopeOf('tunnels', scopesOf(listener)).held,
    leave(listenerName, client) {
      const key = clientKey(client);
      const own = placeOf(listeners, listenerName);
      leave(key, own);
      replicas?.changed(everywhere, key, -1);
      replicas?.changed(own, key, -1);
    },
    mostHeld(listener) {
      const own = placeOf(listeners, listener.name);
      return scopeOf('tunnels_per_client', { listener, shared, everywhere, own }).occupancy.most();
    },
    update(next, all) {
      shared = next;
      const alone = all.filter(({ limits }) => limits.tunnels_per_client !== next.tunnels_per_client);
      counted = [everywhere, ...alone.map(({ name }) => placeOf(listeners, name))];
      for (const place of counted) replicas?.count(place);
    },
    share(next) {
      replicas = next;
      for (const place of counted) next?.count(place);
    },
    remembered: () => [everywhere, ...listeners.values()].reduce((sum, place) => sum + place.remembered, 0),
  };
}

/** Resolves with the refusal of all replicas together or, where they do not answer in time, of this one. */
async function askReplicas(
  replicas: SharedLimits,
  client: ClientKey,
  scopes: Scopes,
  clock: () => number,
  what: 'place' | 'token' = 'place',
): Promise<Admission | undefined> {
  const places = scopeOf('tunnels_per_client', scopes);
  const answer = await replicas.ask({
    client,
    places: what === 'place' ? places : undefined,
    placesLimit: scopes.listener.limits.tunnels_per_client,
    buckets: scopeOf('new_per_client', scopes),
    rate: rateOf(scopes),
  });
  const refusal = answer.kind === 'unknown' ? refuseByRate(client, scopes, clock()) : refusalOf(answer);
  // This place was counted when it was asked for. All other changes are reported here.
  if (what === 'place' && refusal === undefined && places !== scopes.everywhere) {
    replicas.changed(scopes.everywhere, client, 1);
  }
  return refusal;
}

const ADMITTED: Admission = { kind: 'admitted' };

/** The counts of one scope: one listener, or all of them. */
class Place {
  readonly name: string;
  readonly occupancy = new Occupancy();
  readonly buckets = new TokenBuckets();
  /** Connections of clients that are not known yet. */
  awaited = 0;

  constructor(name: string) {
    this.name = name;
  }

  get held(): number {
    return this.occupancy.total + this.awaited;
  }

  get remembered(): number {
    return this.occupancy.clients + this.buckets.size;
  }
}

function placeOf(listeners: Map<string, Place>, name: string): Place {
  const known = listeners.get(name);
  if (known) return known;
  const place = new Place(name);
  listeners.set(name, place);
  return place;
}

/** An IPv6 client owns its /64 and changes its address within it at will (RFC 6177, RFC 8981): the /64 is the client. */
export function clientKey({ family, words }: Ip): ClientKey {
  return family === 4 ? (words[0] ?? 0) : `${words[0] ?? 0}:${words[1] ?? 0}`;
}

/** The network that the addresses of one owner have in common: the IPv4 /24, and the IPv6 /48 that a site is given (RFC 6177). */
export function neighbourhoodKey({ family, words }: Ip): ClientKey {
  const [first = 0, second = 0] = words;
  return family === 4 ? first >>> 8 : `${first}:${second >>> 16}`;
}

interface Scopes {
  readonly listener: LimitedListener;
  readonly shared: ConnectionLimits;
  readonly everywhere: Place;
  readonly own: Place;
}

/** A token is taken only for a connection that nothing else refuses, so the bucket comes last. */
function refuse(client: ClientKey, scopes: Scopes, now: number, how: 'take' | 'ask' = 'take'): Admission | undefined {
  return refuseByPlaces(client, scopes) ?? refuseByRate(client, scopes, now, how);
}

function isFull(scopes: Scopes): boolean {
  return scopeOf('tunnels', scopes).held >= scopes.listener.limits.tunnels;
}

function refuseByPlaces(client: ClientKey, scopes: Scopes): Admission | undefined {
  const { limits } = scopes.listener;
  if (isFull(scopes)) return { kind: 'refused', reason: 'overload' };
  if (scopeOf('tunnels_per_client', scopes).occupancy.of(client) >= limits.tunnels_per_client) return tooMany(1);
  return undefined;
}

function refuseByRate(
  client: ClientKey,
  scopes: Scopes,
  now: number,
  how: 'take' | 'ask' = 'take',
): Admission | undefined {
  const rate = rateOf(scopes);
  if (rate === Infinity) return undefined;
  const waitMs = scopeOf('new_per_client', scopes).buckets[how](client, rate, now);
  return waitMs > 0 ? tooMany(Math.ceil(waitMs / 1000)) : undefined;
}

function rateOf({ listener }: Scopes): RatePerSecond {
  return listener.limits.new_per_client ?? Infinity;
}

function refusalOf(answer: Exclude<Answer, { readonly kind: 'unknown' }>): Admission | undefined {
  return answer.kind === 'refused' ? tooMany(Math.max(1, Math.ceil(answer.waitMs / 1000))) : undefined;
}

function scopeOf(limit: keyof ConnectionLimits, { listener, shared, everywhere, own }: Scopes): Place {
  return listener.limits[limit] === shared[limit] ? everywhere : own;
}

function tooMany(retryAfterSeconds: number): Admission {
  return { kind: 'refused', reason: 'client_limit', retryAfterSeconds };
}
