/** Decides a tunnel that was repeated as its door decides for a client that comes now, and compares the two. */
import type { Decision } from '@sallyport/policy';
import type { Address } from '@sallyport/tunnel-splice';
import type { UsualTunnel } from '../door.ts';
import type { DirectWay } from '../egress/joining.ts';
import { isWhole } from '../egress/race.ts';
import type { WaySeeker } from '../find-addresses.ts';
import { findWay } from '../reach-destination.ts';

/** How the tunnel went that is repeated. */
interface WayGone {
  readonly way: DirectWay;
  readonly upstream: Address;
}

/**
 * Finds the way of a tunnel once more. Returns for how long, in milliseconds, it will be the way it was; 0 where it is another one by now;
 * undefined where its name has to be looked up again, which only the usual way does.
 * @param holdsMs for how long its name has the address that was dialled
 */
export function decideAnew(tunnel: UsualTunnel, holdsMs: number, { way, upstream }: WayGone): number | undefined {
  if (holdsMs === 0) return undefined;
  const { client, door, record, identified } = tunnel;
  let decision: Decision | undefined;
  // In place of a record: nothing of this is logged or counted.
  const rehearsal: WaySeeker['record'] = {
    clientIp: record.clientIp,
    isClientUnknown: false,
    enter: nothing,
    decided: (decided) => (decision = decided),
    leavesBy: nothing,
    remarked: nothing,
  };
  try {
    const found = findWay({ client, door, record: rehearsal }, identified);
    if (found instanceof Promise) return void found.catch(nothing);
    if (found === 'by-parent' || !isWhole(found.addresses)) return 0;
    const isSame = decision === record.decision && found.egress === way.egress;
    return isSame && found.addresses[0]?.host === upstream.host ? holdsMs : 0;
  } catch {
    return 0;
  }
}

const nothing = (): void => undefined;
