/** The conditions that a rule can have beside its hosts: one entry for each key of the configuration. */
import { embeddedIpv4, type Ip, type NetworkSet } from '@sallyport/addresses';
import type { PortRange } from '@sallyport/config';
import type { PolicyRequest, Rule } from './policy.ts';

export interface Condition {
  readonly key: 'ports' | 'listeners' | 'users' | 'clients' | 'networks';
  /** True also where the rule does not ask. */
  holds(rule: Rule, request: PolicyRequest): boolean;
}

/** The first condition of the rule that the request does not meet; undefined where it meets them all. */
export function findUnmet(rule: Rule, request: PolicyRequest): Condition | undefined {
  for (const condition of CONDITIONS) if (!condition.holds(rule, request)) return condition;
  return undefined;
}

/** The one condition of the rule that the request does not meet; undefined where it meets all, or fails more. */
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
 * An IPv4 address in IPv6 clothes is denied for what is inside, whatever the clothes. It is allowed for what is inside
 * only where it is the same address on the network: anyone can make up an ISATAP address that holds an allowed one.
 */
function matchesLiteral(rule: Rule, networks: NetworkSet, ip: Ip): boolean {
  if (networks.contains(ip)) return true;
  const inside = ip.family === 6 ? embeddedIpv4(ip) : undefined;
  if (inside === undefined || (rule.action === 'allow' && !inside.isSameAddress)) return false;
  return networks.contains(inside.ip);
}
