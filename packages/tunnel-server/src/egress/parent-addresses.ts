/** Where a parent is, and that this is not here. */
import type { Ip } from '@sallyport/addresses';
import type { OwnAddresses } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import { TunnelError } from '../reasons.ts';
import { resolveDestination } from '../resolve-destination.ts';
import type { ParentEgress } from './egress.ts';
import type { DialList } from './race.ts';

/** The addresses of a parent: each as it is checked, and as it is dialled. */
export interface ParentAddresses {
  readonly ips: readonly Ip[];
  readonly dialled: readonly Address[];
}

export function locateParent(ips: readonly Ip[], port: number): ParentAddresses {
  return { ips, dialled: ips.map(({ text }) => ({ host: text, port })) };
}

/** Its addresses, or why there are none. */
export async function resolveParent(
  { address }: ParentEgress,
  client: Leg,
  resolver: Resolver,
): Promise<ParentAddresses | string> {
  try {
    const { addresses } = await resolveDestination(resolver, { kind: 'name', ...address }, client);
    return locateParent(addresses, address.port);
  } catch (cause) {
    if (cause instanceof TunnelError && cause.reason.startsWith('dns')) return `has no address: ${cause.detail}`;
    throw cause;
  }
}

/** Those that may be dialled. Throws `loop` where there is none. Makes no list in the common case, in which none of them is ours. */
export function withoutLoops(
  { ips, dialled }: ParentAddresses,
  { name, address }: ParentEgress,
  own: OwnAddresses,
): DialList {
  const isOurs = (ip: Ip): boolean => own.includes(ip, address.port);
  if (!ips.some(isOurs)) return dialled;
  const others = ips.filter((ip) => !isOurs(ip));
  if (others.length > 0) return locateParent(others, address.port).dialled;
  const detail = `The egress ${name} leads back to Sallyport itself.`;
  throw new TunnelError('loop', 'The proxy beyond this one is this one itself.', { detail });
}
