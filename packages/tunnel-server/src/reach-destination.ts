/** Opens a leg to a client's destination after all checks, in their order. For tunnels and requests alike. */
import { destinationText, wordAddressRefusal, wordDenial } from '@sallyport/policy';
import type { Leg } from '@sallyport/tunnel-splice';
import { dialByParents, type Upstream } from './egress/by-parents.ts';
import type { DirectWay } from './egress/joining.ts';
import { findAddresses, type Seeker, type WaySeeker } from './find-addresses.ts';
import type { Identified } from './frontend.ts';
import { TunnelError, toTunnelError } from './reasons.ts';
import { whyCircular } from './via.ts';

/** Throws a TunnelError, with nothing left open, where a drain, the policy, the address rules, the resolver or the dial refuse. */
export async function reachDestination(seeker: Seeker, identified: Identified): Promise<Upstream> {
  const way = await findWay(seeker, identified);
  if (way === 'by-parent') return dialByParents(seeker, identified, 'requests');
  seeker.record.enter('dial');
  return { leg: await dialBy(way, seeker, identified) };
}

/** Where to dial; or a parent, which does the rest. */
export type Way = DirectWay | 'by-parent';

/** Throws a TunnelError, with nothing left open, where the destination or a parent refuses. */
export function dialBy(way: Way, seeker: Seeker, identified: Identified): Promise<Leg> {
  const { client, door } = seeker;
  if (way === 'by-parent') return dialByParents(seeker, identified, 'tunnel').then(({ leg }) => leg);
  return door.dial(way.addresses, client, way.egress);
}

/**
 * Where to dial, at once where no resolver has to be asked. Throws a TunnelError where a drain, the policy, the address rules or the
 * resolver refuse.
 */
export function findWay(seeker: WaySeeker, identified: Identified): Way | Promise<Way> {
  const { door, record } = seeker;
  const { destination } = identified;
  door.requireOpen();
  // It would be denied, and the log and the metrics blame a rule.
  if (record.isClientUnknown) throw new TunnelError('client_closed', 'The client left before its address was known.');

  record.enter('policy');
  const decision = record.decided(door.decide(record.clientIp, identified));
  if (decision.decision === 'deny') throw new TunnelError('policy', `No rule allows ${destinationText(destination)}.`);
  requireStraight(identified);
  const [egress] = door.waysOut(decision);
  record.leavesBy(egress.name);
  if (egress.kind === 'parent') return 'by-parent';

  record.enter('resolve');
  const addresses = findAddresses(seeker, identified);
  return addresses instanceof Promise ? addresses.then((late) => ({ egress, addresses: late })) : { egress, addresses };
}

function requireStraight({ via }: Identified): void {
  const circle = via === undefined ? undefined : whyCircular(via);
  if (circle !== undefined) throw new TunnelError('loop', circle);
}

/** The cause of a refusal. Where the policy or an address rule refused, the policy words it. */
export function toRefusal(cause: unknown, { door, record }: Omit<Seeker, 'client'>): TunnelError {
  const error = toTunnelError(cause);
  const { clientIp, destination, user, decision, id } = record;
  // The rules of a reload may deny what was allowed: then no rule of this policy has denied it.
  const isDenied = error.reason === 'policy' && decision?.decision === 'deny';
  const isWorded = isDenied || error.reason === 'address';
  if (!isWorded || destination === undefined || decision === undefined) return error;
  const decided = { request: { client: clientIp, listener: door.name, destination, user }, decision, id };
  const { sentence, ...context } =
    error.reason === 'policy'
      ? wordDenial(door.policy, decided)
      : wordAddressRefusal(door.policy, decided, { sentence: error.message, detail: error.detail });
  return new TunnelError(error.reason, sentence, context);
}
