/** The ways out by parents, tried in their order. Read this first. */
import { type Destination, destinationText } from '@sallyport/policy';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import type { Identified } from '../frontend.ts';
import type { Seeker } from '../reach-destination.ts';
import { TunnelError } from '../reasons.ts';
import type { DialList } from './race.ts';
import type { Egress, ParentEgress, Ways } from './egress.ts';

/** Where a parent is asked to connect to: a name, or an IP literal. */
export interface Point {
  readonly host: string;
  readonly port: number;
  /** By which proxies the request has come, where it says. */
  readonly via?: string | undefined;
}

/** What came of one parent. All but `up` have left nothing open. */
export type ParentAttempt =
  | { readonly kind: 'up'; readonly leg: Leg }
  /** `refused`: it said no, which is final. `down`, `silent`: another way may be tried. */
  | { readonly kind: 'refused' | 'down' | 'silent'; readonly why: string; readonly status?: number };

/** What leads to the destination. */
export interface Upstream {
  readonly leg: Leg;
  /** The proxy at its other end, which has been asked for nothing: it forwards requests in absolute-form. */
  readonly forwarder?: ParentEgress;
}

/**
 * A leg that leads to the destination by the first of the ways that is not down. Throws a TunnelError: `egress` where a parent said no,
 * or where none is left; what the address rules, the resolver and a direct way say; `client_closed`. Whatever happens, nothing goes
 * out by a way that is not in the list.
 */
export async function dialByParents(
  seeker: Seeker,
  identified: Identified,
  use: 'tunnel' | 'requests',
): Promise<Upstream> {
  const { client, door, record } = seeker;
  const ways = inOrder(door.waysOut(record.decision ?? {}));
  const deadline = door.connectDeadline();
  let last: TunnelError | undefined;
  for (const [at, egress] of ways.entries()) {
    record.leavesBy(egress.name);
    if (egress.kind === 'direct') {
      return { leg: await door.dial(await findAddresses(seeker, identified), client, egress) };
    }
    // By address, a proxy would not know which host of it is meant.
    const isForwarder = use === 'requests' && egress.type === 'http' && !egress.resolvesHere;
    const found = findPoint(seeker, identified, egress);
    const point = found instanceof Promise ? await found : found;
    const now = performance.now();
    // A silent parent leaves those behind it their share of the time.
    const share = now + (deadline - now) / (ways.length - at);
    const attempt = await door.dialParent(egress, isForwarder ? undefined : point, client, share);
    if (attempt.kind === 'up') return { leg: attempt.leg, ...(isForwarder && { forwarder: egress }) };
    last = errorOf(egress, identified.destination, attempt);
    if (attempt.kind === 'refused') break;
  }
  throw last ?? new TunnelError('egress', 'There is no way out.');
}

/** Those that were found down of late come last. */
function inOrder(ways: Ways): readonly Egress[] {
  if (ways.length === 1) return ways;
  const now = performance.now();
  const isAside = (egress: Egress): boolean => egress.kind === 'parent' && egress.health.isAside(now);
  return [...ways.filter((egress) => !isAside(egress)), ...ways.filter(isAside)];
}

/** The destination's addresses that may be dialled, at once where nobody has to be asked. */
export function findAddresses({ client, door, record }: Seeker, identified: Identified): DialList | Promise<DialList> {
  const { destination } = identified;
  const resolved = door.resolve(identified, client, (remark) => record.remarked(remark));
  if (!(resolved instanceof Promise)) return door.permit(resolved, destination, client);
  return resolved.then((addresses) => door.permit(addresses, destination, client));
}

/** A name goes on as it is, unless it is resolved here; an address is held to the rules. */
function findPoint(seeker: Seeker, identified: Identified, { resolvesHere }: ParentEgress): Point | Promise<Point> {
  const { destination, via } = identified;
  if (!resolvesHere && destination.kind === 'name') return findNamed(seeker, identified, destination);
  const addresses = findAddresses(seeker, identified);
  return addresses instanceof Promise ? addresses.then((all) => preferred(all, via)) : preferred(addresses, via);
}

async function findNamed(
  { client, door, record }: Seeker,
  identified: Identified,
  destination: Extract<Destination, { kind: 'name' }>,
): Promise<Point> {
  const { via } = identified;
  const chosen = await door.judgeName(identified, client, (remark) => record.remarked(remark));
  if (chosen !== undefined) return preferred(await door.permit(chosen, destination, client), via);
  return { host: destination.host, port: destination.port, via };
}

/** One address is all that a parent can be asked for: more of them can reach the destination by IPv4. */
function preferred(addresses: readonly Address[], via: string | undefined): Point {
  const address = addresses.find(({ host }) => !host.includes(':')) ?? addresses[0];
  if (address === undefined) throw new TunnelError('unreachable', 'There is no way to the destination from here.');
  return { host: address.host, port: address.port, via };
}

type Failure = Exclude<ParentAttempt, { kind: 'up' }>;

/** The client learns that it was a proxy beyond us, and what it said; the log which one. */
function errorOf({ name }: ParentEgress, destination: Destination, { kind, why, status }: Failure): TunnelError {
  const text = destinationText(destination);
  const detail = `The egress ${name} ${why}.`;
  switch (kind) {
    case 'refused': {
      const code = status === undefined ? '' : ` (status ${status})`;
      return new TunnelError('egress', `The proxy beyond this one refused ${text}${code}.`, { detail });
    }
    case 'down':
      return new TunnelError('egress', `The proxy beyond this one is down; ${text} was not asked for.`, { detail });
    case 'silent':
      return new TunnelError('egress', `The proxy beyond this one did not answer in time.`, { detail, status: 504 });
  }
}
