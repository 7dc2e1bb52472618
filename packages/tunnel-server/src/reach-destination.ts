/** From where a client wants to go to a leg that leads there: the checks on the way, in their order, for tunnels and requests alike. */
import { type Decision, type Destination, destinationText } from '@sallyport/policy';
import type { Leg } from '@sallyport/tunnel-splice';
import type { TunnelRecord } from './account/tunnel-record.ts';
import type { Door } from './door.ts';
import type { DialList } from './egress/race.ts';
import type { Identified } from './frontend.ts';
import { TunnelError } from './reasons.ts';

export interface Seeker {
  readonly client: Leg;
  readonly door: Door;
  readonly record: TunnelRecord;
}

/** Throws a TunnelError, with nothing left open, where a drain, the policy, the addresses, the resolver or the destination say no. */
export async function reachDestination(seeker: Seeker, identified: Identified): Promise<Leg> {
  const addresses = await findWay(seeker, identified);
  seeker.record.enter('dial');
  return seeker.door.dial(addresses, seeker.client);
}

/**
 * The addresses that may be dialled, at once where no resolver has to be asked. Throws a TunnelError where a drain, the policy, the
 * addresses or the resolver say no.
 */
export function findWay({ client, door, record }: Seeker, identified: Identified): DialList | Promise<DialList> {
  const { destination } = identified;
  door.requireOpen();

  record.enter('policy');
  requireAllowed(record.decided(door.decide(record.clientIp, identified)), destination);

  record.enter('resolve');
  const resolved = door.resolve(identified, client, (remark) => record.remarked(remark));
  if (!(resolved instanceof Promise)) return door.permit(resolved, destination, client);
  return resolved.then((addresses) => door.permit(addresses, destination, client));
}

function requireAllowed({ decision, rule }: Decision, destination: Destination): void {
  if (decision !== 'deny') return;
  const decider = rule === 'default' ? 'No rule allows' : `The rule ${rule} denies`;
  throw new TunnelError('policy', `${decider} ${destinationText(destination)}.`);
}
