/** Decides a request by the first rule that matches. Pure, and the same for both doors. */
import type { Destination } from '../destination.ts';
import { findUnmet } from './conditions.ts';
import { type RuleNumbers, rulesNaming } from './host-index.ts';
import type { Decision, Policy, PolicyRequest, Rule } from './policy.ts';

/**
 * Decides by the first rule that matches, or by the default. A matching rule under `report_only` is noted, and matching goes on. Makes no
 * object: every result is stored in the policy.
 */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const { rules, reporting, byDefault } = policy;
  const number = decidingRule(policy, request);
  const decider = rules[number] ?? byDefault;
  const isReported = reporting.isEverywhere || reporting.listeners.has(request.listener);
  const decision = isReported ? decider.reported : decider.decision;
  const noted = reporting.rules.length > 0 ? rules[notedRule(policy, request, number)] : undefined;
  return noted ? reporting.note(decision, noted) : decision;
}

/** The number of the first rule that matches and decides; the number of all rules where none does. */
export function decidingRule(policy: Policy, request: PolicyRequest): number {
  let first = policy.rules.length;
  for (const numbers of candidateRules(policy, request.destination)) {
    first = firstMatch(policy.enforced, numbers, request, first);
  }
  return first;
}

/** The number of the first rule before `deciding` that is under `report_only` and would have denied; -1 where there is none. */
function notedRule(policy: Policy, request: PolicyRequest, deciding: number): number {
  let first = deciding;
  for (const numbers of candidateRules(policy, request.destination)) {
    first = firstMatch(policy.reporting.rules, numbers, request, first);
  }
  return first === deciding ? -1 : first;
}

/** The rules that name the destination, or that may contain it as a literal: all that can match, in one or more lists. */
export function candidateRules(policy: Policy, destination: Destination): readonly RuleNumbers[] {
  return destination.kind === 'name' ? rulesNaming(policy.hosts, destination.host) : [policy.literals];
}

type RuleSlots = readonly (Rule | undefined)[];

/** The first of the rules before `limit` that matches, or `limit`. */
function firstMatch(rules: RuleSlots, numbers: RuleNumbers, request: PolicyRequest, limit: number): number {
  for (const number of numbers) {
    if (number >= limit) return limit;
    const rule = rules[number];
    if (rule && !findUnmet(rule, request)) return number;
  }
  return limit;
}
