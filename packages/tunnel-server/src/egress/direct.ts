/** The direct way out: straight to the destination's own addresses. */
import type { Address, DialResult, Leg } from '@sallyport/tunnel-splice';
import { TunnelError, type RefusalReason } from '../reasons.ts';
import { closeUnused, countAttempt, dialFirst, type RaceOptions } from './race.ts';

/**
 * Dials permitted addresses on behalf of a client. Throws a TunnelError: `refused`, `unreachable`, `connect_timeout`,
 * `overload` when we ourselves lack what a connection needs, or `client_closed` when the client leaves first; nothing
 * stays open then.
 */
export async function dialDirect(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<Leg> {
  const result = await race(addresses, client, options);
  if (result.kind === 'connected') return result.leg;
  throw new TunnelError(...UNEXPECTED);
}

/**
 * Dials permitted addresses and joins the client, by the plan in the options, to the first that connects: the tunnel is up when this
 * resolves, and the plan has been told so. Throws as {@link dialDirect} does, with the client as it was.
 */
export function joinDirect(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<unknown> {
  return race(addresses, client, options);
}

/** Connected or joined; whatever else comes of it is thrown. Most tunnels have one address: for them no timer, and no bookkeeping. */
async function race(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<DialSuccess> {
  const [first, second] = addresses;
  const only = second === undefined ? first : undefined;
  const dial = only ? options.dial(only, options) : dialFirst(addresses, options);
  const seen = { hasLeft: false };
  const forget = client.whenGone(() => {
    seen.hasLeft = true;
    dial.cancel();
  });
  const result = await dial.done;
  forget();
  if (only) countAttempt(only, result, options);
  // A client that has left meanwhile has its tunnel all the same, and that tells how it ended.
  if (result.kind === 'joined') return result;
  if (result.kind === 'connected' && !seen.hasLeft) return result;
  // Both may happen in one turn of the event loop: the client leaves, and the dial that connected just before is still unread.
  closeUnused(result);
  throw new TunnelError(...DIAL_FAILURES[result.kind === 'connected' ? 'cancelled' : result.kind]);
}

type DialSuccess = Extract<DialResult, { kind: 'connected' | 'joined' }>;

const UNEXPECTED = ['internal', 'A dial made something else of its connection than it was told to.'] as const;

const DIAL_FAILURES: Record<
  Exclude<DialResult, DialSuccess>['kind'],
  readonly [reason: RefusalReason, sentence: string]
> = {
  refused: ['refused', 'The destination refused the connection.'],
  reset: ['refused', 'The destination reset the connection while it was set up.'],
  unreachable: ['unreachable', 'There is no way to the destination from here.'],
  timeout: ['connect_timeout', 'The destination did not answer in time.'],
  // `limits.tunnels` is ours to choose and this is not, but to a client both say: full, try again later.
  exhausted: ['overload', 'Sallyport is out of descriptors, ports or memory for another connection.'],
  // Nobody but the client's leaving cancels a dial.
  cancelled: ['client_closed', 'The client left before its tunnel was up.'],
};
