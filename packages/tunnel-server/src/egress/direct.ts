/** The direct egress: dials the destination's own addresses. */
import type { DialResult, Leg } from '@sallyport/tunnel-splice';
import { TunnelError, type RefusalReason } from '../reasons.ts';
import { closeUnused, countAttempt, type DialList, dialFirst, type RaceOptions } from './race.ts';

type Connected = Extract<DialResult, { kind: 'connected' }>;
type Joined = Extract<DialResult, { kind: 'joined' }>;

/**
 * Dials permitted addresses for a client. Throws a TunnelError: `refused`, `unreachable`, `connect_timeout`, `overload` when we lack what
 * a connection needs, or `client_closed` when the client leaves first. Nothing stays open then.
 */
export function dialDirect(addresses: DialList, client: Leg, options: RaceOptions): Promise<Leg> {
  // Not an async function: its state would be kept for as long as the client waits.
  return race(addresses, client, options, isConnected).then(legOf);
}

function legOf({ leg }: Connected): Leg {
  return leg;
}

/**
 * Dials permitted addresses and joins the client, by the plan in the options, to the first that connects. When this resolves the tunnel
 * is up, and the plan's `onUp` was called; or the plan's guard, or another answer than the expected one, returns the leg. Throws as
 * {@link dialDirect} does, and leaves the client as it was.
 */
export function joinDirect(addresses: DialList, client: Leg, options: RaceOptions): Promise<Joined | Connected> {
  const mayBeReached = options.join?.guard !== undefined || options.answer !== undefined;
  return race(addresses, client, options, mayBeReached ? isReached : isJoined);
}

/** Joins the client where the options have a plan for it, and otherwise only connects. Throws as {@link dialDirect} does. */
export function dialOrJoin(addresses: DialList, client: Leg, options: RaceOptions): Promise<Joined | Connected> {
  return options.join === undefined
    ? race(addresses, client, options, isConnected)
    : joinDirect(addresses, client, options);
}

/**
 * Returns the wanted result, and throws any other. Most tunnels have one address: these need no timer and no bookkeeping. No async
 * function: every tunnel passes here, and the state of an async function takes half a kilobyte.
 */
function race<Wanted extends DialResult>(
  addresses: DialList,
  client: Leg,
  options: RaceOptions,
  isWanted: (result: DialResult) => result is Wanted,
): Promise<Wanted> {
  const only = addresses.length === 1 && addresses.late === undefined ? addresses[0] : undefined;
  const dial = only ? options.dial(only, options) : dialFirst(addresses, options);
  let hasLeft = false;
  const forget = client.whenGone(() => {
    hasLeft = true;
    dial.cancel();
  });
  return dial.done.then((result) => {
    forget();
    options.onOutcome?.(isWanted(result));
    if (only) countAttempt(only, result, options);
    // The client may leave in the turn of the event loop in which the dial connects. Where it was joined it has its tunnel all the same,
    // whose end is reported as such.
    const isTooLate = hasLeft && result.kind === 'connected';
    if (isWanted(result) && !isTooLate) return result;
    closeUnused(result);
    throw failureOf(isTooLate ? CANCELLED : result, options);
  });
}

const CANCELLED: DialResult = { kind: 'cancelled' };

function failureOf(result: DialResult, { sourceHost }: RaceOptions): TunnelError {
  const [reason, sentence] = DIAL_FAILURES[result.kind];
  const detail = result.kind === 'no-source' ? noSource(sourceHost) : 'why' in result ? result.why : undefined;
  return new TunnelError(reason, sentence, detail === undefined ? {} : { detail });
}

/** For the log: the client need not know our addresses. */
function noSource(sourceHost = ''): string {
  return `This machine has no address ${sourceHost}, from which the egress dials.`;
}

const isConnected = (result: DialResult): result is Connected => result.kind === 'connected';
const isJoined = (result: DialResult): result is Joined => result.kind === 'joined';
const isReached = (result: DialResult): result is Joined | Connected => isJoined(result) || isConnected(result);

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
  // Not `limits.tunnels`, but the client gets the same answer: full, try again later.
  exhausted: ['overload', 'Sallyport is out of descriptors, ports or memory for another connection.'],
  // A dial is cancelled only when the client leaves.
  cancelled: ['client_closed', 'The client left while its destination was dialled.'],
};
