/**
 * Who may come in: `limits.tunnels`, `tunnels_per_client` and `new_per_client`, counted from accept on, handshakes
 * included.
 */
import type { Ip } from '@sallyport/addresses';
import { Occupancy } from './occupancy.ts';
import { TokenBuckets, type ClientKey, type RatePerSecond } from './token-buckets.ts';

/** The part of the configuration's `limits` that is held here, spelled as there. */
export interface ConnectionLimits {
  /** At once. */
  readonly tunnels: number;
  /** At once, per IPv4 address or IPv6 /64. */
  readonly tunnels_per_client: number;
  /** Undefined or Infinity: off. */
  readonly new_per_client?: RatePerSecond | undefined;
}

/** A listener and its limits: the global ones with what it overrides merged in. */
export interface LimitedListener {
  readonly name: string;
  readonly limits: ConnectionLimits;
}

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly reason: 'overload' }
  | { readonly kind: 'refused'; readonly reason: 'client_limit'; readonly retryAfterSeconds: number };

/** The counts of all listeners. They outlive a reload; the numbers they are held against do not. */
export interface Limits {
  admit(listener: LimitedListener, client: Ip): Admission;
  /** Whether it would be admitted, which takes no place and no token: asked before anything dear is done for it. */
  wouldAdmit(listener: LimitedListener, client: Ip): boolean;
  /** A further request of a connection that has its place: it takes a token of `new_per_client`, as a connection does. */
  admitNext(listener: LimitedListener, client: Ip): Admission;
  /** How many connections are held against `limits.tunnels` of a listener. */
  tunnelsHeld(listener: LimitedListener): number;
  /** Gives a place back; once for each that was admitted. */
  leave(listenerName: string, client: Ip): void;
  /** Takes new global limits. Nobody who is in is sent away; new ones wait until the counts have come down. */
  update(global: ConnectionLimits): void;
  /** The same of `limits.tunnels_per_client`, by the client that holds the most. */
  mostHeld(listener: LimitedListener): number;
  /** How much is remembered, for the tests that bound it. */
  remembered(): number;
}

/**
 * Makes the counters of a process.
 *
 * A value that a listener shares with the global `limits` is held against the count over all listeners. A value of its
 * own overrides that, upwards too: it is held against that listener's own count, which the count over all goes on
 * including.
 *
 * @param clock milliseconds that never go back
 */
export function createLimits(global: ConnectionLimits, clock: () => number = () => performance.now()): Limits {
  const everywhere = new Place();
  const listeners = new Map<string, Place>();
  let shared = global;

  return {
    admit(listener, client) {
      const own = placeOf(listeners, listener.name);
      const key = clientKey(client);
      const refusal = refuse(key, { listener, shared, everywhere, own }, clock());
      if (refusal) return refusal;
      everywhere.occupancy.enter(key);
      own.occupancy.enter(key);
      return ADMITTED;
    },
    admitNext(listener, client) {
      const own = placeOf(listeners, listener.name);
      return refuseByRate(clientKey(client), { listener, shared, everywhere, own }, clock()) ?? ADMITTED;
    },
    wouldAdmit(listener, client) {
      const own = placeOf(listeners, listener.name);
      return refuse(clientKey(client), { listener, shared, everywhere, own }, clock(), 'ask') === undefined;
    },
    tunnelsHeld(listener) {
      const own = placeOf(listeners, listener.name);
      return scopeOf('tunnels', { listener, shared, everywhere, own }).occupancy.total;
    },
    leave(listenerName, client) {
      const key = clientKey(client);
      everywhere.occupancy.leave(key);
      placeOf(listeners, listenerName).occupancy.leave(key);
    },
    mostHeld(listener) {
      const own = placeOf(listeners, listener.name);
      return scopeOf('tunnels_per_client', { listener, shared, everywhere, own }).occupancy.most();
    },
    update: (next) => void (shared = next),
    remembered: () => [everywhere, ...listeners.values()].reduce((sum, place) => sum + place.remembered, 0),
  };
}

const ADMITTED: Admission = { kind: 'admitted' };

/** What is counted in one scope: one listener, or all of them. */
class Place {
  readonly occupancy = new Occupancy();
  readonly buckets = new TokenBuckets();

  get remembered(): number {
    return this.occupancy.clients + this.buckets.size;
  }
}

function placeOf(listeners: Map<string, Place>, name: string): Place {
  const known = listeners.get(name);
  if (known) return known;
  const place = new Place();
  listeners.set(name, place);
  return place;
}

/** An IPv6 client owns its /64 and moves about in it at will (RFC 6177, RFC 8981): the /64 is the client. */
export function clientKey({ family, words }: Ip): ClientKey {
  return family === 4 ? (words[0] ?? 0) : `${words[0] ?? 0}:${words[1] ?? 0}`;
}

/** What the many addresses of one owner have in common: the IPv4 /24, and the IPv6 /48 that a site is given (RFC 6177). */
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

/** A token is only spent on a connection that nothing else refuses, so the bucket comes last. */
function refuse(client: ClientKey, scopes: Scopes, now: number, how: 'take' | 'ask' = 'take'): Admission | undefined {
  const { limits } = scopes.listener;
  if (scopeOf('tunnels', scopes).occupancy.total >= limits.tunnels) return { kind: 'refused', reason: 'overload' };
  if (scopeOf('tunnels_per_client', scopes).occupancy.of(client) >= limits.tunnels_per_client) return tooMany(1);
  return refuseByRate(client, scopes, now, how);
}

function refuseByRate(
  client: ClientKey,
  scopes: Scopes,
  now: number,
  how: 'take' | 'ask' = 'take',
): Admission | undefined {
  const rate = scopes.listener.limits.new_per_client ?? Infinity;
  if (rate === Infinity) return undefined;
  const waitMs = scopeOf('new_per_client', scopes).buckets[how](client, rate, now);
  return waitMs > 0 ? tooMany(Math.ceil(waitMs / 1000)) : undefined;
}

function scopeOf(limit: keyof ConnectionLimits, { listener, shared, everywhere, own }: Scopes): Place {
  return listener.limits[limit] === shared[limit] ? everywhere : own;
}

function tooMany(retryAfterSeconds: number): Admission {
  return { kind: 'refused', reason: 'client_limit', retryAfterSeconds };
}
