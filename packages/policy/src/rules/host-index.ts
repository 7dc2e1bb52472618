/**
 * Which rules name a host: one index over the patterns of all rules, so that a look-up costs the same for ten names
 * and a million.
 */
import { type Steps, stepsOf } from '@sallyport/config';
import type { HostPattern } from './host-patterns.ts';
import { NameTable } from './name-table.ts';
import { PATTERNS_A_STEP, type WalkPatterns } from './rule-hosts.ts';

/** Numbers of rules, ascending: the order in which rules decide. */
export type RuleNumbers = readonly number[];

export interface HostIndex {
  /** Rules that match every name. */
  readonly any: RuleNumbers;
  /** For each exact name, and for `.suffix` of each `*.suffix`: the number of the list in `lists` with its rules. */
  readonly names: NameTable;
  /** No two are equal: a million names of one rule share one list. The first is empty, for names in no rule. */
  readonly lists: readonly RuleNumbers[];
}

/** Builds the index. Patterns must come in the order of their rules. */
export function* indexHosts(
  entries: Iterable<readonly [rule: number, patterns: ReturnType<WalkPatterns>]>,
): Steps<HostIndex> {
  const isStep = stepsOf(PATTERNS_A_STEP);
  const any: number[] = [];
  const names = new NameTable();
  const growing: GrowingLists = { lists: [[]], uses: [Infinity] };
  for (const [rule, patterns] of entries) {
    const withRule = extendLists(growing, rule);
    for (const pattern of patterns) {
      if (isStep()) yield;
      if (pattern === undefined) continue;
      if (!names.hasRoom) yield* names.makeRoom();
      if (pattern.kind !== 'any') names.update(keyOf(pattern), withRule);
      else if (any.at(-1) !== rule) any.push(rule);
    }
  }
  return { any, names, lists: growing.lists };
}

interface GrowingLists {
  readonly lists: RuleNumbers[];
  /** How many names have each list. */
  readonly uses: number[];
}

/** The rules that match the name, as one list for each pattern that matches. */
export function rulesNaming(index: HostIndex, name: string): readonly RuleNumbers[] {
  const found = [index.any];
  for (const list of index.names.valuesOf(name)) found.push(index.lists[list] ?? []);
  return found;
}

/** The rules that match every name the pattern matches, as one list for each of their patterns. */
export function rulesCovering(index: HostIndex, pattern: HostPattern): readonly RuleNumbers[] {
  return pattern.kind === 'any' ? [index.any] : rulesNaming(index, keyOf(pattern));
}

/** Does some rule list exactly this pattern? */
export function isListed(index: HostIndex, pattern: Exclude<HostPattern, { kind: 'any' }>): boolean {
  return index.names.has(keyOf(pattern));
}

function keyOf(pattern: Exclude<HostPattern, { kind: 'any' }>): string {
  return pattern.kind === 'exact' ? pattern.name : `.${pattern.suffix}`;
}

/** Returns the function from a name's present list to the list with this rule added. */
function extendLists({ lists, uses }: GrowingLists, rule: number): (list: number) => number {
  const extended = new Map<number, number>();
  return (list) => {
    const rules = lists[list] ?? [];
    if (rules.at(-1) === rule) return list;
    const next = extended.get(list) ?? lists.push([...rules, rule]) - 1;
    extended.set(list, next);
    uses[next] = (uses[next] ?? 0) + 1;
    uses[list] = (uses[list] ?? 0) - 1;
    // No name uses it any more. Without this, ten thousand rules for one name would leave as many lists behind.
    if (uses[list] === 0) lists[list] = [];
    return next;
  };
}
