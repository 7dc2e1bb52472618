/**
 * Which rules name a host: one index over the patterns of all rules, so that a look-up costs the same for ten names
 * and a million.
 */
import type { HostPattern } from './host-patterns.ts';

/** Numbers of rules, ascending: the order in which rules decide. */
export type RuleNumbers = readonly number[];

export interface HostIndex {
  /** Rules that match every name. */
  readonly any: RuleNumbers;
  readonly exact: ReadonlyMap<string, RuleNumbers>;
  /** Rules by the suffix of `*.suffix`. */
  readonly below: ReadonlyMap<string, RuleNumbers>;
}

/** Builds the index. Patterns must come in the order of their rules. */
export function indexHosts(entries: Iterable<readonly [rule: number, patterns: readonly HostPattern[]]>): HostIndex {
  const any: number[] = [];
  const exact = new Map<string, RuleNumbers>();
  const below = new Map<string, RuleNumbers>();
  for (const [rule, patterns] of entries) {
    // Shared by all names that only this rule has: a list of a million names is one array.
    const alone: RuleNumbers = [rule];
    for (const pattern of patterns) {
      if (pattern.kind === 'exact') add(exact, pattern.name, alone);
      else if (pattern.kind === 'below') add(below, pattern.suffix, alone);
      else if (any.at(-1) !== rule) any.push(rule);
    }
  }
  return { any, exact, below };
}

/** The rules that match the name, as one list for each pattern that does. */
export function rulesNaming(index: HostIndex, name: string): readonly RuleNumbers[] {
  const lists = [index.any];
  const exact = index.exact.get(name);
  if (exact) lists.push(exact);
  const dot = name.indexOf('.');
  return dot < 0 ? lists : withRulesBelow(index, name.slice(dot + 1), lists);
}

/** The rules that match every name the pattern matches, as one list for each of their patterns. */
export function rulesCovering(index: HostIndex, pattern: HostPattern): readonly RuleNumbers[] {
  if (pattern.kind === 'any') return [index.any];
  if (pattern.kind === 'exact') return rulesNaming(index, pattern.name);
  return withRulesBelow(index, pattern.suffix, [index.any]);
}

/** Adds the rules for `*.suffix`, and for each suffix of that. */
function withRulesBelow(index: HostIndex, suffix: string, lists: RuleNumbers[]): readonly RuleNumbers[] {
  for (let start = 0; ;) {
    const rules = index.below.get(suffix.slice(start));
    if (rules) lists.push(rules);
    const dot = suffix.indexOf('.', start);
    if (dot < 0) return lists;
    start = dot + 1;
  }
}

function add(map: Map<string, RuleNumbers>, name: string, alone: RuleNumbers): void {
  const known = map.get(name);
  if (known === undefined) map.set(name, alone);
  else if (known.at(-1) !== alone[0]) map.set(name, [...known, ...alone]);
}
