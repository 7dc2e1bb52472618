/** The conditions that a rule can have beside its hosts: one entry for each key of the configuration. */
import { embeddedIpv4, type Ip, type NetworkSet } from '@sallyport/addresses';
import type { PortRange } from '@sallyport/config';
import type { PolicyRequest, Rule } from './policy.ts';

export interface Condition {
  readonly key: 'ports' | 'listeners' | 'users' | 'clients' | 'networks';
  /** True also where the rule has no such condition. */
  holds(rule: Rule, request: PolicyRequest): boolean;
}

/** The first condition of the rule that the request does not meet; undefined where it meets them all. */
export function findUnmet(rule: Rule, request: PolicyRequest): Condition | undefined {
  for (const condition of CONDITIONS) if (!condition.holds(rule, request)) return condition;
  return undefined;
}

/** The only condition of the rule that the request does not meet. Undefined where it meets all, or fails more than one. */
export function findOnlyUnmet(rule: Rule, request: PolicyRequest): Condition | undefined {
  const first = findUnmet(rule, request);
  const isOnly = CONDITIONS.every((condition) => condition === first || condition.holds(rule, request));
  return isOnly ? first : undefined;
}

/** The cheapest first. */
const CONDITIONS: readonly Condition[] = [
  { key: 'ports', holds: ({ ports }, { destination }) => !ports || hasPort(ports, destination.port) },
  { key: 'listeners', holds: ({ listeners }, { listener }) => !listeners || listeners.has(listener) },
  { key: 'users', holds: ({ users }, { user }) => !users || (user !== undefined && users.has(user)) },
  { key: 'clients', holds: ({ clients }, { client }) => !clients || clients.contains(client) },
  {
    key: 'networks',
    holds: (rule, { destination }) =>
      destination.kind === 'name' || !rule.networks || matchesLiteral(rule, rule.networks, destination.ip),
  },
];

function hasPort(ports: readonly PortRange[], port: number): boolean {
  for (const { from, to } of ports) if (from <= port && port <= to) return true;
  return false;
}

/**
 * An IPv6 address that contains an IPv4 address is denied where the contained one is. It is allowed for the contained one only where both
 * are the same address on the network: anyone can make up an ISATAP address that contains an allowed one.
 */
function matchesLiteral(rule: Rule, networks: NetworkSet, ip: Ip): boolean {
  if (networks.contains(ip)) return true;
  const inside = embeddedIpv4(ip);
  if (inside === undefined || (rule.action === 'allow' && !inside.isSameAddress)) return false;
  return networks.contains(inside.ip);
}
