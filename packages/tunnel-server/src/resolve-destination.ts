/** The step of a tunnel's life in which its destination becomes addresses. */
import type { Ip } from '@sallyport/addresses';
import type { Destination } from '@sallyport/policy';
import type { Answer, Resolver } from '@sallyport/resolver';
import type { Leg } from '@sallyport/tunnel-splice';
import { NAME_LOOKED_UP, unlessGone } from './abandon.ts';
import { TunnelError } from './reasons.ts';

/**
 * The destination's addresses, in dialling order, at once where nobody has to be asked. A literal resolves to itself.
 * Throws a TunnelError: `dns`, `dns_timeout`, or `client_closed` when the client leaves first.
 */
export function resolveDestination(
  resolver: Resolver,
  destination: Destination,
  client: Pick<Leg, 'whenGone'>,
): readonly Ip[] | Promise<readonly Ip[]> {
  if (destination.kind === 'address') return [destination.ip];
  const { host } = destination;
  const known = resolver.peek(host);
  return known ? addressesOf(known, host) : waitForAddresses(resolver, host, client);
}

async function waitForAddresses(
  resolver: Resolver,
  host: string,
  client: Pick<Leg, 'whenGone'>,
): Promise<readonly Ip[]> {
  // The look-up outlives a client that leaves: others may wait for it, and its answer is worth keeping.
  const lookUp = { done: resolver.resolve(host), cancel: () => undefined };
  return addressesOf(await unlessGone(client, lookUp, NAME_LOOKED_UP), host);
}

function addressesOf(answer: Answer, host: string): readonly Ip[] {
  if (answer.kind === 'addresses') return answer.addresses;
  throw new TunnelError(answer.reason, `${host} does not resolve: ${answer.detail}.`, { rcode: answer.rcode });
}
