/** The direct way out: straight to the destination's own addresses. */
import type { Address, DialResult, Leg } from '@sallyport/tunnel-splice';
import { unlessGone } from '../abandon.ts';
import { TunnelError, type RefusalReason } from '../reasons.ts';
import { closeUnused, dialFirst, type RaceOptions } from './race.ts';

/**
 * Dials permitted addresses on behalf of a client. Throws a TunnelError: `refused`, `unreachable`, `connect_timeout`,
 * `overload` when we ourselves lack what a connection needs, or `client_closed` when the client leaves first; nothing
 * stays open then.
 */
export async function dialDirect(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<Leg> {
  const result = await race(addresses, client, options);
  if (result.kind === 'connected') return result.leg;
  throw dialError(result.kind);
}

/**
 * Dials permitted addresses and joins the client, by the plan in the options, to the first that connects: the tunnel is up when this
 * resolves, and the plan has been told so. Throws as {@link dialDirect} does, with the client as it was.
 */
export async function joinDirect(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<void> {
  const { kind } = await race(addresses, client, options);
  if (kind !== 'joined') throw dialError(kind);
}

function race(addresses: readonly Address[], client: Leg, options: RaceOptions): Promise<DialResult> {
  const dial = dialFirst(addresses, options);
  return unlessGone(client, { done: dial.done, cancel: () => dial.cancel(), discard: closeUnused });
}

function dialError(kind: DialResult['kind']): TunnelError {
  return new TunnelError(...DIAL_FAILURES[kind]);
}

const UNEXPECTED = ['internal', 'A dial made something else of its connection than it was told to.'] as const;

const DIAL_FAILURES: Record<DialResult['kind'], readonly [reason: RefusalReason, sentence: string]> = {
  connected: UNEXPECTED,
  joined: UNEXPECTED,
  refused: ['refused', 'The destination refused the connection.'],
  reset: ['refused', 'The destination reset the connection while it was set up.'],
  unreachable: ['unreachable', 'There is no way to the destination from here.'],
  timeout: ['connect_timeout', 'The destination did not answer in time.'],
  // `limits.tunnels` is ours to choose and this is not, but to a client both say: full, try again later.
  exhausted: ['overload', 'Sallyport is out of descriptors, ports or memory for another connection.'],
  // Nobody but the client's leaving cancels a dial, and that has thrown already.
  cancelled: ['client_closed', 'The client left before its tunnel was up.'],
};
