/** Dialling through parents, in their order. Read this first. */
import { type Destination, destinationText } from '@sallyport/policy';
import type { Address, DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import type { Identified } from '../frontend.ts';
import { findAddresses, type Seeker } from '../find-addresses.ts';
import { forNoLonger, inTime, NAME_LOOKED_UP, unlessGone } from '../abandon.ts';
import { TunnelError } from '../reasons.ts';
import type { ParentAttempt, ParentRequest } from './dial-parent.ts';
import type { DirectEgress, Egress, ParentEgress, Ways } from './egress.ts';
import type { Joining } from './joining.ts';
import type { ParentDestination } from './parent-question.ts';
import { type DialList, familyOf } from './race.ts';

/** A leg that leads to the destination. */
export interface Upstream {
  readonly leg: Leg;
  /** The proxy at its other end, which was not asked for a destination: it forwards requests in absolute-form. */
  readonly forwarder?: ParentEgress;
}

/** The tunnel is up; or a leg that leads to the destination, or to a proxy that forwards. */
type Reached = { readonly kind: 'joined' } | (Upstream & { readonly kind: 'connected'; readonly isAnswered: boolean });

/**
 * Opens a leg to the destination by the first egress that is not down. Throws a TunnelError: `egress` where a parent said no, or where no
 * egress is left; the errors of the address rules, the resolver and a direct dial; `client_closed`. No egress outside the list is ever
 * used.
 */
export async function dialByParents(
  seeker: Seeker,
  identified: Identified,
  use: 'tunnel' | 'requests',
): Promise<Upstream> {
  const reached = await reachByFirst(seeker, identified, use);
  if (reached.kind === 'joined') throw new Error('a dial without a plan has joined a client');
  return reached;
}

/** The same, for a client whose tunnel is otherwise decided: where the parent answers as expected, the tunnel is up at once. May throw. */
export function joinByParents(seeker: Seeker, identified: Identified, joining: Joining): Promise<Reached> {
  return reachByFirst(seeker, identified, 'tunnel', joining);
}

/** What is sought, and the egresses to try. */
interface Search {
  readonly seeker: Seeker;
  readonly identified: Identified;
  readonly use: 'tunnel' | 'requests';
  readonly joining: Joining | undefined;
  readonly ways: readonly Egress[];
  readonly deadline: DeadlineMs;
}

function reachByFirst(
  seeker: Seeker,
  identified: Identified,
  use: 'tunnel' | 'requests',
  joining?: Joining,
): Promise<Reached> {
  const { door, record } = seeker;
  const ways = inOrder(door.waysOut(record.decision ?? {}));
  return reachFrom({ seeker, identified, use, joining, ways, deadline: door.connectDeadline() }, 0);
}

/**
 * Tries the egresses from the one with number `at` on. Throws or rejects. No async function: its state would be kept for as long as the
 * parent is awaited.
 * @param last why the one before was left
 */
function reachFrom(search: Search, at: number, last?: TunnelError): Promise<Reached> {
  const { seeker, identified, ways, deadline } = search;
  const egress = ways[at];
  if (egress === undefined) throw last ?? new TunnelError('egress', 'No egress is left.');
  seeker.record.leavesBy(egress.name);
  if (egress.kind === 'direct') return reachDirectly(search, egress);
  const found = findAsked(search, egress);
  return found instanceof Promise
    ? inTime(found, deadline, identified.destination.host).then((asked) => askParent(search, at, egress, asked))
    : askParent(search, at, egress, found);
}

/** The parents before it have used some of the time. The look-up has a time of its own, as for any direct dial. */
async function reachDirectly({ seeker, identified, deadline }: Search, egress: DirectEgress): Promise<Reached> {
  const { client, door, record } = seeker;
  const leftMs = deadline - performance.now();
  record.enter('resolve');
  const addresses = await findAddresses(seeker, identified);
  record.enter('dial');
  const leg = await door.dial(addresses, client, egress, performance.now() + leftMs);
  return { kind: 'connected', leg, isAnswered: false };
}

function askParent(search: Search, at: number, egress: ParentEgress, asked: ParentDestination): Promise<Reached> {
  const { seeker, identified, use, joining, ways, deadline } = search;
  seeker.record.enter('dial');
  // Asked by address, a proxy would not know which of its hosts is meant.
  const isForwarder = use === 'requests' && egress.type === 'http' && !egress.resolvesHere;
  const request: ParentRequest = {
    client: seeker.client,
    destination: isForwarder ? undefined : asked,
    deadline: shareOf(deadline, ways.length - at),
    joining,
  };
  return seeker.door.dialParent(egress, request).then((attempt) => {
    if (attempt.kind === 'joined') return attempt;
    if (attempt.kind === 'up') {
      const { leg, isAnswered } = attempt;
      return { kind: 'connected', leg, isAnswered, ...(isForwarder && { forwarder: egress }) };
    }
    const error = errorOf(egress, identified.destination, attempt);
    if (attempt.kind === 'refused') throw error;
    return reachFrom(search, at + 1, error);
  });
}

/** A silent parent leaves the later ones their share of the time. */
function shareOf(deadline: DeadlineMs, waysLeft: number): DeadlineMs {
  if (waysLeft === 1) return deadline;
  const now = performance.now();
  return now + (deadline - now) / waysLeft;
}

/** Those that were found down recently come last. */
function inOrder(ways: Ways): readonly Egress[] {
  if (ways.length === 1) return ways;
  const now = performance.now();
  const isAside = (egress: Egress): boolean => egress.kind === 'parent' && egress.health.isAside(now);
  return [...ways.filter((egress) => !isAside(egress)), ...ways.filter(isAside)];
}

/** A name is sent on as it is, unless it is resolved here. An address is checked by the rules. */
function findAsked(search: Search, { resolvesHere }: ParentEgress): ParentDestination | Promise<ParentDestination> {
  const { seeker, identified } = search;
  const { destination } = identified;
  if (!resolvesHere && destination.kind === 'name') return findNamed(search, destination);
  seeker.record.enter('resolve');
  const addresses = findAddresses(seeker, identified);
  return addresses instanceof Promise ? addresses.then((all) => preferred(all, search)) : preferred(addresses, search);
}

function findNamed(
  search: Search,
  destination: Extract<Destination, { kind: 'name' }>,
): ParentDestination | Promise<ParentDestination> {
  const { seeker, identified } = search;
  const { client, door, record } = seeker;
  const { via } = identified;
  const { host, port } = destination;
  const judging = door.judgeName(identified, client, (remark) => record.remarked(remark));
  if (judging === undefined) return { host, port, via };
  record.enter('resolve');
  return judging.then(async (chosen) =>
    chosen === undefined ? { host, port, via } : preferred(await door.permit(chosen, destination, client), search),
  );
}

/**
 * A parent can be asked for one address only. IPv4 is preferred, for more parents can reach it. Where the name servers have not answered
 * for it, it is waited for, or queried again, for half of the time that is left.
 */
function preferred(addresses: DialList, search: Search): ParentDestination | Promise<ParentDestination> {
  const { seeker, identified, deadline } = search;
  const [first] = addresses;
  const ipv4 = addresses.find(isIpv4);
  if (ipv4 !== undefined || addresses.late === undefined) return askedFor(ipv4 ?? first, identified);
  const late = addresses.late.ask();
  const patient = {
    done: forNoLonger(late.done, (deadline - performance.now()) / 2, []),
    cancel: () => late.cancel(),
  };
  return unlessGone(seeker.client, patient, NAME_LOOKED_UP).then((more) =>
    askedFor(more.find(isIpv4) ?? first, identified),
  );
}

function isIpv4({ host }: Address): boolean {
  return familyOf(host) === 'ipv4';
}

function askedFor(address: Address | undefined, { via }: Identified): ParentDestination {
  if (address === undefined) throw new TunnelError('unreachable', 'The destination cannot be reached from here.');
  return { host: address.host, port: address.port, via };
}

type Failure = Exclude<ParentAttempt, { kind: 'up' | 'joined' }>;

/** The client is told that a proxy beyond us failed and how; only the log names it. */
function errorOf(
  { name }: ParentEgress,
  destination: Destination,
  { kind, isUnfit = false, hasLeft = false, why, status, upstream }: Failure,
): TunnelError {
  const text = destinationText(destination);
  const detail = `The egress ${name} ${why}.`;
  switch (kind) {
    case 'refused': {
      const code = status === undefined ? '' : ` (status ${status})`;
      const what = isUnfit ? `gave no valid answer for ${text}` : `refused ${text}${code}`;
      return new TunnelError('egress', `The proxy beyond this one ${what}.`, { detail, upstream });
    }
    case 'down': {
      // It may have been asked, and may even have done what it was asked for.
      const what = hasLeft ? why : `is down; ${text} was not asked for`;
      return new TunnelError('egress', `The proxy beyond this one ${what}.`, { detail, upstream });
    }
    case 'silent':
      return new TunnelError('egress', `The proxy beyond this one did not answer in time.`, {
        detail,
        upstream,
        status: 504,
      });
  }
}
