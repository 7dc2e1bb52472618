/** Who may go where: the first rule that matches decides. Pure, and the same for both doors. */
import type { Destination } from '../destination.ts';
import { findUnmet } from './conditions.ts';
import { type RuleNumbers, rulesNaming } from './host-index.ts';
import type { Decision, Policy, PolicyRequest, Rule } from './policy.ts';

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
