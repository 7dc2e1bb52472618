/** Finds patterns without effect: another pattern of the rule, or an earlier rule, matches every name that they match. */
import { type Problem, type RuleConfig, type Steps } from '@sallyport/config';
import type { Policy, Rule } from '../rules/policy.ts';
import {
  type HostPattern,
  type MalformedHostPattern,
  parseHostPattern,
  patternText,
  widerPatterns,
} from '../rules/host-patterns.ts';
import { type Budget, comparisonBudget, findPatternShadow } from './shadow.ts';

/** At most so many patterns are checked, and so many reported: a policy of a million names must still load at once. */
const MAX_PATTERNS = 100_000;
const MAX_WARNINGS = 100;

/**
 * Warns of patterns in `hosts` without effect. Lists in files are not checked: they often come from elsewhere, and commonly hold names
 * beside the suffixes above them.
 * @param shadows the rules that never match, which are reported elsewhere
 */
export function* lintPatterns(
  rules: readonly RuleConfig[],
  policy: Policy,
  shadows: ReadonlyMap<number, number>,
): Steps<readonly Problem[]> {
  const problems: Problem[] = [];
  const budget = comparisonBudget();
  let looked = 0;
  for (const [number, { hosts = [] }] of rules.entries()) {
    looked += hosts.length;
    if (looked > MAX_PATTERNS || problems.length >= MAX_WARNINGS) break;
    if (!shadows.has(number)) problems.push(...(yield* lintHosts(hosts, number, { policy, budget })));
  }
  return problems.slice(0, MAX_WARNINGS);
}

function* lintHosts(
  hosts: readonly string[],
  number: number,
  { policy, budget }: { readonly policy: Policy; readonly budget: Budget },
): Steps<readonly Problem[]> {
  const patterns = hosts.map(parseHostPattern);
  const firstUses = findFirstUses(patterns);
  const problems: Problem[] = [];
  for (let at = 0; at < patterns.length; at += 1) {
    if (budget.isStep()) yield;
    const pattern = patterns[at];
    if (pattern === undefined || pattern.kind === 'malformed') continue;
    const why =
      explainTwin(pattern, at, firstUses) ?? explainShadow(yield* findPatternShadow(policy, pattern, number, budget));
    if (why === undefined) continue;
    const message = `${JSON.stringify(hosts[at])} makes no difference: ${why}; remove it`;
    problems.push({ severity: 'warning', path: ['policy', 'rules', number, 'hosts', at], message });
  }
  return problems;
}

function findFirstUses(patterns: readonly (HostPattern | MalformedHostPattern)[]): ReadonlyMap<string, number> {
  const firstUses = new Map<string, number>();
  for (const [at, pattern] of patterns.entries()) {
    if (pattern.kind !== 'malformed' && !firstUses.has(patternText(pattern))) firstUses.set(patternText(pattern), at);
  }
  return firstUses;
}

function explainTwin(pattern: HostPattern, at: number, firstUses: ReadonlyMap<string, number>): string | undefined {
  if (firstUses.get(patternText(pattern)) !== at) return 'the rule lists it already';
  const wider = widerPatterns(pattern).find((text) => firstUses.has(text));
  return wider === undefined ? undefined : `${wider} in the same rule matches all that it does`;
}

function explainShadow(shadow: Rule | undefined): string | undefined {
  return shadow && `rule ${shadow.name} before it matches all that it does`;
}
