/** With which count a limit is compared: that of one listener, or that of all of them. */
import { Occupancy } from './occupancy.ts';
import { type RatePerSecond, TokenBuckets } from './token-buckets.ts';

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

/** The counts of one scope: one listener, or all of them. */
export class ScopeCounts {
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

/** Those of a listener, made when they are first needed. They outlive a reload. */
export function countsOf(listeners: Map<string, ScopeCounts>, name: string): ScopeCounts {
  const known = listeners.get(name);
  if (known) return known;
  const counts = new ScopeCounts(name);
  listeners.set(name, counts);
  return counts;
}

/** The counts that one connection may be compared with. */
export interface Scopes {
  readonly listener: LimitedListener;
  /** The limits of the configuration itself, which a listener may replace. */
  readonly global: ConnectionLimits;
  readonly everywhere: ScopeCounts;
  readonly own: ScopeCounts;
}

/** A value that a listener shares with the global limits is compared with the count over all listeners. */
export function scopeOf(limit: keyof ConnectionLimits, { listener, global, everywhere, own }: Scopes): ScopeCounts {
  return listener.limits[limit] === global[limit] ? everywhere : own;
}

/** No place is left by `limits.tunnels`. */
export function isFull(scopes: Scopes): boolean {
  return scopeOf('tunnels', scopes).held >= scopes.listener.limits.tunnels;
}

/** Infinity: off. */
export function rateOf({ listener }: Scopes): RatePerSecond {
  return listener.limits.new_per_client ?? Infinity;
}
