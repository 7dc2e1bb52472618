/** From where a client wants to go to a leg that leads there: the checks on the way, in their order, for tunnels and requests alike. */
import { destinationText, wordAddressRefusal, wordDenial } from '@sallyport/policy';
import type { Leg } from '@sallyport/tunnel-splice';
import type { TunnelRecord } from './account/tunnel-record.ts';
import type { Door } from './door.ts';
import type { DialList } from './egress/race.ts';
import type { Identified } from './frontend.ts';
import { TunnelError, toTunnelError } from './reasons.ts';

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
  const { decision } = record.decided(door.decide(record.clientIp, identified));
  if (decision === 'deny') throw new TunnelError('policy', `No rule allows ${destinationText(destination)}.`);

  record.enter('resolve');
  const resolved = door.resolve(identified, client, (remark) => record.remarked(remark));
  if (!(resolved instanceof Promise)) return door.permit(resolved, destination, client);
  return resolved.then((addresses) => door.permit(addresses, destination, client));
}

/** A cause, as it is told: where the policy or an address was refused, in the words of the policy. */
export function toRefusal(cause: unknown, { door, record }: Omit<Seeker, 'client'>): TunnelError {
  const error = toTunnelError(cause);
  const { clientIp, destination, user, decision, id } = record;
  const isWorded = error.reason === 'policy' || error.reason === 'address';
  if (!isWorded || destination === undefined || decision === undefined) return error;
  const decided = { request: { client: clientIp, listener: door.name, destination, user }, decision, id };
  const { sentence, ...context } =
    error.reason === 'policy'
      ? wordDenial(door.policy, decided)
      : wordAddressRefusal(door.policy, decided, { sentence: error.message, detail: error.detail });
  return new TunnelError(error.reason, sentence, context);
}
