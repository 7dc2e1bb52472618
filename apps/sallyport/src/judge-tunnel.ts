/** Checks whether given settings would allow a live tunnel: its name, its address, its user and its port. */
import { type Ip, parseIp } from '@sallyport/addresses';
import { isDirect } from '@sallyport/config';
import { decide, type Destination, judgeAddress } from '@sallyport/policy';
import type { TunnelFacts } from '@sallyport/tunnel-server';
import type { Settings } from './settings.ts';

/** In the order of the checks: credentials, policy, addresses. A tunnel is not denied because its listener was removed. */
export function isDeniedNow(facts: TunnelFacts, settings: Settings): boolean {
  const client = parseIp(facts.client.host);
  const destination = destinationOf(facts);
  // Such a tunnel was never up, and was not judged before either.
  if (client === undefined || destination === undefined) return false;
  if (isUserGone(facts, settings)) return true;
  const { user, door } = facts;
  const { policy } = settings;
  const { decision } = decide(policy, { client, listener: door.name, destination, user });
  if (decision === 'deny') return true;
  return dialledOf(facts, destination, settings).some((ip) => judgeAddress(ip, policy.destinations).kind === 'refused');
}

function destinationOf({ destination }: TunnelFacts): Destination | undefined {
  if (destination === undefined) return undefined;
  const { host, port } = destination;
  const ip = parseIp(host);
  return ip ? { kind: 'address', host, ip, port } : { kind: 'name', host, port };
}

/** Whether the tunnel's user could no longer log in. A changed password is not detected. */
function isUserGone({ user, door }: TunnelFacts, { config, identities }: Settings): boolean {
  const listener = config.listeners.find(({ name }) => name === door.name);
  const asksForUser = listener?.mode === 'connect' && listener.auth !== undefined;
  return user !== undefined && asksForUser && identities.get(door.name)?.users?.has(user) !== true;
}

/** The address that was dialled: a literal, or the address of a name, unless a parent resolved it: then the upstream is the parent. */
function dialledOf({ egress, upstream }: TunnelFacts, destination: Destination, { config }: Settings): readonly Ip[] {
  if (destination.kind === 'address') return [destination.ip];
  const ip = upstream && isDirect(egress, config.egress) ? parseIp(upstream.host) : undefined;
  return ip ? [ip] : [];
}
