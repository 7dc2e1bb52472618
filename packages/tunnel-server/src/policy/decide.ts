/** Who may go where: the first rule that matches decides. Pure, and the same for both doors. */
import type { PortRange } from '@sallyport/config';
import type { Ip } from '../addresses/ip.ts';
import type { NetworkSet } from '../addresses/networks.ts';
import type { DestinationRules } from '../addresses/permit.ts';
import type { Destination } from '../destination.ts';
import { findUnmet } from './conditions.ts';
import { type HostIndex, type RuleNumbers, rulesNaming } from './host-index.ts';

/** What is asked of the policy, once a tunnel. */
export interface PolicyRequest {
  readonly client: Ip;
  /** The listener's name. */
  readonly listener: string;
  readonly destination: Destination;
  /** Who the client proved to be, if it did. */
  readonly user?: string | undefined;
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
  /** Clients that have not proved who they are never match. */
  readonly users?: ReadonlySet<string>;
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
  return policy.rules[decidingRule(policy, request)]?.decision ?? policy.byDefault;
}

/** The number of the first rule that matches; that of rules where none does. */
export function decidingRule(policy: Policy, request: PolicyRequest): number {
  let first = policy.rules.length;
  for (const numbers of candidateRules(policy, request.destination)) {
    first = firstMatch(policy.rules, numbers, request, first);
  }
  return first;
}

/** The rules that name the destination, or that may hold it as a literal: all that can match, in one or more lists. */
export function candidateRules(policy: Policy, destination: Destination): readonly RuleNumbers[] {
  return destination.kind === 'name' ? rulesNaming(policy.hosts, destination.host) : [policy.literals];
}

/** The first of the rules before `limit` that matches, or `limit`. */
function firstMatch(rules: readonly Rule[], numbers: RuleNumbers, request: PolicyRequest, limit: number): number {
  for (const number of numbers) {
    if (number >= limit) return limit;
    const rule = rules[number];
    if (rule && !findUnmet(rule, request)) return number;
  }
  return limit;
}
