/** The step that resolves a tunnel's destination to addresses. */
import { parseIp } from '@sallyport/addresses';
import type { Destination } from '@sallyport/policy';
import type { Answer, ClientKey, Resolver } from '@sallyport/resolver';
import type { Leg } from '@sallyport/tunnel-splice';
import { NAME_LOOKED_UP, unlessGone } from './abandon.ts';
import { clientKey } from './limits/client-key.ts';
import { TunnelError } from './reasons.ts';

/** Addresses, and those that may still come. */
export type Resolved = Extract<Answer, { kind: 'addresses' }>;

/** The client for which a name is looked up. */
export type NameClient = Pick<Leg, 'whenGone' | 'remote'>;

/**
 * The destination's addresses, in dialling order, at once where no server has to be asked. A literal resolves to itself. Throws a
 * TunnelError: `dns`, `dns_timeout`, `overload` where we lack descriptors, or `client_closed` when the client leaves first.
 */
export function resolveDestination(
  resolver: Resolver,
  destination: Destination,
  client: NameClient,
): Resolved | Promise<Resolved> {
  if (destination.kind === 'address') return { kind: 'addresses', addresses: [destination.ip] };
  const { host } = destination;
  const known = resolver.peek(host);
  return known ? addressesOf(known, host) : waitForAddresses(resolver, host, client);
}

/** The client whose share of look-ups is used. */
export function nameClientKey({ remote }: NameClient): ClientKey {
  const ip = parseIp(remote.host);
  return ip ? clientKey(ip) : remote.host;
}

async function waitForAddresses(resolver: Resolver, host: string, client: NameClient): Promise<Resolved> {
  const lookUp = resolver.resolve(host, nameClientKey(client));
  return addressesOf(await unlessGone(client, lookUp, NAME_LOOKED_UP), host);
}

function addressesOf(answer: Answer, host: string): Resolved {
  if (answer.kind === 'addresses') return answer;
  throw new TunnelError(answer.reason, `${host} does not resolve: ${answer.detail}.`, { rcode: answer.rcode });
}
