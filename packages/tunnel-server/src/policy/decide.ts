/** Who may go where: the first rule that matches decides. Pure, and the same for both doors. */
import type { PortRange } from '@sallyport/config';
import { embeddedIpv4 } from '../addresses/embedded-ipv4.ts';
import type { Ip } from '../addresses/ip.ts';
import type { NetworkSet } from '../addresses/networks.ts';
import type { DestinationRules } from '../addresses/permit.ts';
import type { Destination } from '../destination.ts';
import { type HostIndex, type RuleNumbers, rulesNaming } from './host-index.ts';

/** What is asked of the policy, once a tunnel. */
export interface PolicyRequest {
  readonly client: Ip;
  /** The listener's name. */
  readonly listener: string;
  readonly destination: Destination;
}

export interface Decision {
  /** `report` is what `report_only` makes of `deny`: allowed on, and counted. */
  readonly decision: 'allow' | 'deny' | 'report';
  /** The rule's name, or `default`. */
  readonly rule: string;
}

/** A rule, compiled; what it says of names stands in the policy's index. What is left out matches anything. */
export interface Rule {
  readonly name: string;
  readonly action: 'allow' | 'deny';
  readonly decision: Decision;
  readonly clients?: NetworkSet;
  readonly listeners?: ReadonlySet<string>;
  /** Empty where the rule is about names only. */
  readonly networks?: NetworkSet;
  /** Sorted, apart from one another. */
  readonly ports?: readonly PortRange[];
}

export interface Policy {
  readonly rules: readonly Rule[];
  /** The rules that may match a name. */
  readonly hosts: HostIndex;
  /** The rules that may match an IP literal. */
  readonly literals: RuleNumbers;
  readonly byDefault: Decision;
  /** Which addresses may be dialled, whatever the rules say. */
  readonly destinations: DestinationRules;
}

/**
 * Decides by the first rule that matches, or by the default. Makes no object: every answer stands in the policy
 * already.
 */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const { destination } = request;
  const candidates = destination.kind === 'name' ? rulesNaming(policy.hosts, destination.host) : [policy.literals];
  let first = policy.rules.length;
  for (const numbers of candidates) first = firstMatch(policy.rules, numbers, request, first);
  return policy.rules[first]?.decision ?? policy.byDefault;
}

/** The first of the rules before `limit` that matches, or `limit`. */
function firstMatch(rules: readonly Rule[], numbers: RuleNumbers, request: PolicyRequest, limit: number): number {
  for (const number of numbers) {
    if (number >= limit) return limit;
    const rule = rules[number];
    if (rule && matches(rule, request)) return number;
  }
  return limit;
}

/** The conditions of a rule but for `hosts`, the cheapest first. */
function matches(rule: Rule, { client, listener, destination }: PolicyRequest): boolean {
  return (
    (rule.ports === undefined || hasPort(rule.ports, destination.port)) &&
    (rule.listeners === undefined || rule.listeners.has(listener)) &&
    (rule.clients === undefined || rule.clients.contains(client)) &&
    (destination.kind === 'name' || rule.networks === undefined || matchesLiteral(rule, rule.networks, destination.ip))
  );
}

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
