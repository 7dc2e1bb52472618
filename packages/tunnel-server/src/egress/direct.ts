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
  const race = dialFirst(addresses, { near: client, ...options });
  const result = await unlessGone(client, { done: race.done, cancel: () => race.cancel(), discard: closeUnused });
  if (result.kind === 'connected') return result.leg;
  const [reason, sentence] = DIAL_FAILURES[result.kind];
  throw new TunnelError(reason, sentence);
}

type DialFailure = Exclude<DialResult['kind'], 'connected'>;

const DIAL_FAILURES: Record<DialFailure, readonly [reason: RefusalReason, sentence: string]> = {
  refused: ['refused', 'The destination refused the connection.'],
  reset: ['refused', 'The destination reset the connection while it was set up.'],
  unreachable: ['unreachable', 'There is no way to the destination from here.'],
  timeout: ['connect_timeout', 'The destination did not answer in time.'],
  // `limits.tunnels` is ours to choose and this is not, but to a client both say: full, try again later.
  exhausted: ['overload', 'Sallyport is out of descriptors, ports or memory for another connection.'],
  // Nobody but the client's leaving cancels a dial, and that has thrown already.
  cancelled: ['client_closed', 'The client left before its tunnel was up.'],
};
