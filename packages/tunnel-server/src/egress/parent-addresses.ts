/** Where a parent is, and that this is not here. */
import { compileNetworks, type Ip } from '@sallyport/addresses';
import type { ParentConfig } from '@sallyport/config';
import type { AddressGuards, OwnAddresses } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { Address, DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { inTime } from '../abandon.ts';
import { permitAnswer } from '../permit-answer.ts';
import { TunnelError } from '../reasons.ts';
import { resolveDestination } from '../resolve-destination.ts';
import type { DialList } from './race.ts';

/** A parent by the name of its egress, and where it is: a name or an IP literal, and a port. */
type ParentPlace = Pick<ParentConfig, 'name' | 'address'>;

/** A parent whose address is written in the configuration: as it is checked, and as it is dialled. */
export interface LocatedParent {
  readonly ip: Ip;
  readonly dialled: readonly [Address];
}

/** Makes, once, what {@link addressOf} returns for every tunnel. */
export function locateParent(ip: Ip, port: number): LocatedParent {
  return { ip, dialled: [{ host: ip.text, port }] };
}

/** Its one address. Throws `loop` where that is ours. Makes no list, for this runs for every tunnel. */
export function addressOf({ ip, dialled }: LocatedParent, { name }: ParentPlace, own: OwnAddresses): DialList {
  if (own.includes(ip, dialled[0].port)) throw leadsBack(name);
  return dialled;
}

/** For whom a parent is looked up, and until when. */
export interface ParentSearch {
  readonly client: Leg;
  readonly deadline: DeadlineMs;
  readonly resolver: Resolver;
  readonly own: OwnAddresses;
}

/**
 * The addresses of a parent with a name, as those of a destination are found; or why there are none, as a clause. Rejects with `loop` where
 * all of them are ours, and with `client_closed`.
 */
export async function findParent(parent: ParentPlace, search: ParentSearch): Promise<DialList | string> {
  const { name, address } = parent;
  try {
    return await inTime(permittedAddresses(parent, search), search.deadline, address.host);
  } catch (cause) {
    if (!(cause instanceof TunnelError)) throw cause;
    if (cause.reason === 'loop') throw leadsBack(name);
    if (cause.reason.startsWith('dns')) return `has no address: ${cause.detail.replace(/\.$/, '')}`;
    throw cause;
  }
}

/** The rules for destinations do not apply to a parent. */
const ANY_ADDRESS: AddressGuards['rules'] = { deny: compileNetworks([]), allow: compileNetworks([]) };

async function permittedAddresses(
  { address }: ParentPlace,
  { client, resolver, own }: ParentSearch,
): Promise<DialList> {
  const destination = { kind: 'name', ...address } as const;
  const resolved = await resolveDestination(resolver, destination, client);
  return permitAnswer(resolved, destination, { rules: ANY_ADDRESS, own }, client);
}

function leadsBack(name: string): TunnelError {
  const detail = `The egress ${name} leads back to Sallyport itself.`;
  return new TunnelError('loop', 'The proxy beyond this one is this one itself.', { detail });
}
