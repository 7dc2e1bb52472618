/** The direct egress: dials the destination's own addresses. */
import type { Address, Dial, DialResult, Leg } from '@sallyport/tunnel-splice';
import { TunnelError, type RefusalReason } from '../reasons.ts';
import {
  closeUnused,
  countAttempt,
  type DialList,
  dialFirst,
  familyOf,
  isWhole,
  type RaceOptions,
  type Racing,
} from './race.ts';

type Connected = Extract<DialResult, { kind: 'connected' }>;
type Joined = Extract<DialResult, { kind: 'joined' }>;
/** The upstream is there: as a leg, or joined to the client already. */
export type Dialled = Joined | Connected;

/** What a dial for a client came to. One of the two is called, once; at once (synchronously) where that is known already. */
export interface DialListener<Wanted> {
  reached(result: Wanted): void;
  /**
   * `refused`, `unreachable`, `connect_timeout`, `overload` when we lack what a connection needs, or `client_closed` when the client
   * leaves first. Nothing stays open then, and the client is as it was.
   */
  failed(error: TunnelError): void;
}

/** Dials permitted addresses for a client. Rejects with what {@link DialListener.failed} is told. */
export function dialDirect(addresses: DialList, client: Leg, options: RaceOptions): Promise<Leg> {
  // Not an async function: its state would be kept for as long as the client waits.
  return promised<Connected>(isConnected, { addresses, client, options }).then(legOf);
}

function legOf({ leg }: Connected): Leg {
  return leg;
}

/**
 * Dials permitted addresses and joins the client, by the plan in the options, to the first that connects. When it is joined the tunnel is
 * up, and the plan's `onUp` was called; or the plan's guard, or another answer than the expected one, returns the leg.
 */
export function joinDirect(
  addresses: DialList,
  client: Leg,
  options: RaceOptions,
  listener: DialListener<Dialled>,
): void {
  start({ addresses, client, options }, wantedOfJoin(options), listener);
}

/** Joins the client where the options have a plan for it, and otherwise only connects. Rejects as {@link dialDirect} does. */
export function dialOrJoin(addresses: DialList, client: Leg, options: RaceOptions): Promise<Dialled> {
  const isWanted = options.join === undefined ? isConnected : wantedOfJoin(options);
  return promised<Dialled>(isWanted, { addresses, client, options });
}

interface Asked {
  readonly addresses: DialList;
  readonly client: Leg;
  readonly options: RaceOptions;
}

type IsWanted<Wanted extends DialResult> = (result: DialResult) => result is Wanted;

function promised<Wanted extends DialResult>(isWanted: IsWanted<Wanted>, asked: Asked): Promise<Wanted> {
  return new Promise((reached, failed) => start<Wanted>(asked, isWanted, { reached, failed }));
}

/** Most tunnels have one address: these need no timer and no bookkeeping. And none of them needs a promise. */
function start<Wanted extends DialResult>(
  { addresses, client, options }: Asked,
  isWanted: IsWanted<Wanted>,
  listener: DialListener<Wanted>,
): void {
  const only = addresses.length === 1 && isWhole(addresses) ? addresses[0] : undefined;
  const dial = only ? options.dial(only, options) : dialFirst(addresses, options);
  let hasLeft = false;
  const forget = client.whenGone(() => {
    hasLeft = true;
    dial.cancel();
  });
  dial.whenDone((result) => {
    forget();
    if (saysSomething(result)) options.onOutcome?.(isWanted(result));
    if (only) countAttempt(only, result, options);
    // The client may leave in the turn of the event loop in which the dial connects. Where it was joined it has its tunnel all the same,
    // whose end is reported as such.
    const isTooLate = hasLeft && result.kind === 'connected';
    if (isWanted(result) && !isTooLate) {
      listener.reached(result);
      return;
    }
    closeUnused(result);
    listener.failed(failureOf(isTooLate ? CANCELLED : result, only ?? failedAt(dial), { addresses, options }));
  });
}

/** Of the way out. A client that left says nothing of it, nor does our own lack of descriptors. */
function saysSomething({ kind }: DialResult): boolean {
  return kind !== 'cancelled' && kind !== 'exhausted';
}

function failedAt(dial: Dial | Racing): Address | undefined {
  return 'failedAt' in dial ? dial.failedAt : undefined;
}

const CANCELLED: DialResult = { kind: 'cancelled' };

function failureOf(
  result: DialResult,
  dialled: Address | undefined,
  { addresses, options: { sourceHost } }: Pick<Asked, 'addresses' | 'options'>,
): TunnelError {
  const [reason, sentence] = DIAL_FAILURES[result.kind];
  const why = whyNotFrom(sourceHost, addresses, result) ?? ('why' in result ? result.why : undefined);
  const { missing } = addresses.late ?? {};
  // Otherwise the network is blamed where the name servers are at fault.
  const detail = why ?? (missing && `${sentence} Its ${missing} addresses could not be looked up.`);
  // A dial that was cancelled may have been about to succeed.
  const upstream = result.kind === 'cancelled' ? undefined : dialled;
  return new TunnelError(reason, sentence, { detail, upstream });
}

/** For the log: the client need not know our addresses. */
function whyNotFrom(sourceHost: string | undefined, addresses: DialList, { kind }: DialResult): string | undefined {
  if (sourceHost === undefined) return undefined;
  if (kind === 'no-source') return `This machine has no address ${sourceHost}, from which the egress dials.`;
  if (kind !== 'unreachable' || !isWhole(addresses) || addresses.some(isOfFamily(sourceHost))) return undefined;
  return `No address of the destination is of the family of ${sourceHost}, from which it is dialled.`;
}

function isOfFamily(sourceHost: string): (address: Address) => boolean {
  return ({ host }) => familyOf(host) === familyOf(sourceHost);
}

const isConnected = (result: DialResult): result is Connected => result.kind === 'connected';
const isJoined = (result: DialResult): result is Joined => result.kind === 'joined';
/** A leg too, where somebody may have to read an answer first. */
function wantedOfJoin({ join, answer }: RaceOptions): IsWanted<Dialled> {
  return join?.guard !== undefined || answer !== undefined ? isReached : isJoined;
}

const isReached = (result: DialResult): result is Dialled => isJoined(result) || isConnected(result);

const UNEXPECTED = ['internal', 'A dial made something else of its connection than it was told to.'] as const;

const DIAL_FAILURES: Record<DialResult['kind'], readonly [reason: RefusalReason, sentence: string]> = {
  connected: UNEXPECTED,
  joined: UNEXPECTED,
  refused: ['refused', 'The destination refused the connection.'],
  reset: ['refused', 'The destination reset the connection while it was set up.'],
  unreachable: ['unreachable', 'The destination cannot be reached from here.'],
  'no-source': ['unreachable', 'Sallyport does not have the address from which it is to dial.'],
  timeout: ['connect_timeout', 'The destination did not answer in time.'],
  untrusted: ['egress', 'TLS with the egress proxy failed.'],
  'tls-timeout': ['handshake_timeout', 'TLS with the egress proxy was not set up in time.'],
  // Not `limits.tunnels`, but the client gets the same answer: full, try again later.
  exhausted: ['overload', 'Sallyport is out of descriptors, ports or memory for another connection.'],
  // A dial is cancelled only when the client leaves.
  cancelled: ['client_closed', 'The client left while its destination was dialled.'],
};
