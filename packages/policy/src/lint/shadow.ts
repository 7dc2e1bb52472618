/** Finds rules that never decide: an earlier rule matches every request that they match. */
import { type PortRange, type Steps, stepsOf } from '@sallyport/config';
import { compileNetworks, type NetworkSet } from '@sallyport/addresses';
import type { Policy, Rule } from '../rules/policy.ts';
import { rulesCovering, type RuleNumbers } from '../rules/host-index.ts';
import type { HostPattern } from '../rules/host-patterns.ts';
import { firstPattern, type WalkPatterns } from '../rules/rule-hosts.ts';

/** The number of comparisons for one policy is limited: one of ten thousand rules, or of a million names, must still load at once. */
export interface Budget {
  /** Says before each comparison whether there may be one more. */
  readonly hasMore: () => boolean;
  /** For each comparison, and whatever else there is one of: true at the end of a step. */
  readonly isStep: () => boolean;
}

/** A new one, unspent. */
export function comparisonBudget(): Budget {
  let comparisons = MOST_COMPARISONS;
  return { hasMore: () => --comparisons >= 0, isStep: stepsOf(COMPARISONS_A_STEP) };
}

const MOST_COMPARISONS = 1_000_000;
const COMPARISONS_A_STEP = 256;

/** A compiled policy, and the patterns of each rule, which its index does not keep. */
export interface RuleBook {
  readonly policy: Policy;
  /** By number of rule. */
  readonly walks: readonly WalkPatterns[];
}

/**
 * The numbers of rules that can never match, each with the number of the rule that covers it. Rules that only several others cover
 * together are not found.
 */
export function* findShadows({ policy, walks }: RuleBook): Steps<ReadonlyMap<number, number>> {
  const shadows = new Map<number, number>();
  const budget = comparisonBudget();
  for (const [number, walk] of walks.entries()) {
    if (budget.isStep()) yield;
    const candidates = candidateLists(policy, yield* firstPattern(walk));
    for (const other of earlierRules(policy, candidates, number)) {
      if (budget.isStep()) yield;
      if (!budget.hasMore()) return shadows;
      if (!coversRule(policy, other, number) || !(yield* coversNames(policy, other, walk, budget))) continue;
      shadows.set(number, other);
      break;
    }
  }
  return shadows;
}

/** The first rule before `number` that matches all names of the pattern for all clients of this rule. */
export function* findPatternShadow(
  policy: Policy,
  pattern: HostPattern,
  number: number,
  budget: Budget,
): Steps<Rule | undefined> {
  for (const other of earlierRules(policy, rulesCovering(policy.hosts, pattern), number)) {
    if (budget.isStep()) yield;
    if (!budget.hasMore()) return undefined;
    const [shadow, rule] = [policy.rules[other], policy.rules[number]];
    if (shadow && rule && coversAskers(shadow, rule)) return shadow;
  }
  return undefined;
}

/** Only a rule that covers the first pattern can cover them all. A rule without names can only be covered by a rule for literals. */
function candidateLists({ hosts, literals }: Policy, first: HostPattern | undefined): readonly RuleNumbers[] {
  return first === undefined ? [literals] : rulesCovering(hosts, first);
}

/** Rules that decide: one under `report_only` leaves all that it matches to later rules. */
function* earlierRules({ rules }: Policy, lists: readonly RuleNumbers[], number: number): Iterable<number> {
  for (const numbers of lists) {
    for (const other of numbers) {
      if (other >= number) break;
      if (rules[other]?.isReportOnly === false) yield other;
    }
  }
}

function coversRule({ rules }: Policy, other: number, number: number): boolean {
  const [shadow, rule] = [rules[other], rules[number]];
  return (
    shadow !== undefined &&
    rule !== undefined &&
    coversAskers(shadow, rule) &&
    coversNetworks(shadow.networks, rule.networks)
  );
}

function coversAskers(shadow: Rule, rule: Rule): boolean {
  return (
    coversNetworks(shadow.clients, rule.clients) &&
    coversNamed(shadow.users, rule.users) &&
    coversNamed(shadow.listeners, rule.listeners) &&
    coversPorts(shadow.ports, rule.ports)
  );
}

function* coversNames({ hosts }: Policy, other: number, walk: WalkPatterns, budget: Budget): Steps<boolean> {
  if (hosts.any.includes(other)) return true;
  for (const pattern of walk()) {
    if (budget.isStep()) yield;
    if (pattern === undefined) continue;
    if (!budget.hasMore() || !rulesCovering(hosts, pattern).some((rules) => rules.includes(other))) return false;
  }
  return true;
}

const ANY_ADDRESS = compileNetworks(['any']);

function coversNetworks(shadow: NetworkSet | undefined, networks: NetworkSet = ANY_ADDRESS): boolean {
  return shadow === undefined || shadow.covers(networks);
}

/** Users and listeners: where a rule allows any of them, a list of some does not cover all. */
function coversNamed(shadow: ReadonlySet<string> | undefined, names: ReadonlySet<string> | undefined): boolean {
  if (shadow === undefined) return true;
  return names !== undefined && [...names].every((name) => shadow.has(name));
}

const ANY_PORT: readonly PortRange[] = [{ from: 1, to: 65_535 }];

function coversPorts(shadow: readonly PortRange[] | undefined, ports: readonly PortRange[] = ANY_PORT): boolean {
  if (shadow === undefined) return true;
  return ports.every(({ from, to }) => shadow.some((range) => range.from <= from && to <= range.to));
}
