/** The live tunnels, the largest, oldest or fastest first. */
import type { Ledger, LiveTunnel } from '@sallyport/tunnel-server';
import type { TunnelEntry } from './api.ts';
import type { TunnelRates } from './tunnel-rates.ts';

export interface TunnelQuery {
  readonly sort: 'bytes' | 'age' | 'rate';
  readonly limit: number;
  /** Only those with this text in their client, host, upstream, user, rule or listener. */
  readonly filter: string;
  /** Whether each has its rate. */
  readonly withRates: boolean;
}

export interface TunnelList {
  readonly tunnels: TunnelEntry[];
  /** How many tunnels there are, and how many match the filter. */
  readonly live: number;
  readonly matching: number;
}

export function listTunnels(ledger: Ledger, rates: TunnelRates, query: TunnelQuery): TunnelList {
  const { sort, limit, filter, withRates } = query;
  const now = performance.now();
  const all = [...ledger.live()];
  const rateOf = withRates ? rates.measure(all, now) : () => 0;
  // Names are in lower case here, but a filter may be typed in capitals.
  const spellings = [filter, filter.toLowerCase()];
  const isFound = (tunnel: LiveTunnel): boolean => spellings.some((text) => tunnel.mentions(text));
  const matching = filter === '' ? all : all.filter(isFound);
  const measure = { bytes: bytesOf, age: ({ openedAt }: LiveTunnel) => -openedAt, rate: rateOf }[sort];
  const tunnels = largest(matching, limit, measure).flatMap((tunnel) => {
    const rate = withRates ? { bytes_per_second: Math.round(rateOf(tunnel)) } : {};
    const entry = describe(tunnel, ledger, now);
    return entry ? [{ ...entry, ...rate }] : [];
  });
  return { tunnels, live: all.length, matching: matching.length };
}

function describe(tunnel: LiveTunnel, ledger: Ledger, now: number): TunnelEntry | undefined {
  const facts = tunnel.facts();
  if (!facts) return undefined;
  const { door, client, user, destination, decision } = facts;
  return {
    id: ledger.idOf(tunnel.number),
    listener: door.name,
    client: client.host,
    ...(user !== undefined && { user }),
    host: destination?.host ?? '',
    port: destination?.port ?? 0,
    rule: decision?.rule ?? '',
    bytes_up: tunnel.bytesUp,
    bytes_down: tunnel.bytesDown,
    age_ms: Math.round(now - tunnel.openedAt),
  };
}

function bytesOf({ bytesUp, bytesDown }: LiveTunnel): number {
  return bytesUp + bytesDown;
}

/** The `limit` largest, in order, without sorting all, for there may be very many. */
export function largest<Item>(items: readonly Item[], limit: number, measure: (item: Item) => number): readonly Item[] {
  const kept: Item[] = [];
  const sizes: number[] = [];
  for (const item of items) {
    const size = measure(item);
    if (kept.length === limit && size <= (sizes.at(-1) ?? -Infinity)) continue;
    const at = placeOf(size, sizes);
    kept.splice(at, 0, item);
    sizes.splice(at, 0, size);
    kept.length = Math.min(kept.length, limit);
    sizes.length = kept.length;
  }
  return kept;
}

/** The place behind all that are as large, so that equal ones keep their order. */
function placeOf(size: number, sizes: readonly number[]): number {
  let [from, to] = [0, sizes.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sizes[middle] ?? -Infinity) >= size) from = middle + 1;
    else to = middle;
  }
  return from;
}
