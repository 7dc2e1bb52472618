/** The names that a rule matches: those of `hosts`, and those of the file that `hosts_file` names. */
import { type Problem, type RuleConfig, type Steps, stepsOf } from '@sallyport/config';
import { type HostLine, walkLines } from './host-list.ts';
import { type Groups, patternsOf } from './groups.ts';
import { type HostPattern, parseHostPattern } from './host-patterns.ts';

/** Reads the file that `hosts_file` names. A second call gives the same result. */
export type ReadHostsFile = (file: string) => HostsFile;

export type HostsFile =
  /** `path` is its name in problems. */
  | { readonly kind: 'ok'; readonly path: string; readonly text: string }
  /** `why` includes the remedy. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** The sources of names that do not stand in the rule itself. */
export interface HostSources {
  readonly readFile: ReadHostsFile;
  readonly groups: Groups;
}

/**
 * Walks the patterns of a rule, which are read anew each time: a million of them never exist as objects at once. Gives `undefined` for a
 * line of a file that lists none: so many of these may stand between two patterns that the walk has to be interrupted there.
 */
export type WalkPatterns = (tell?: (problem: Problem) => void) => Iterable<HostPattern | undefined>;

/** How many patterns, or lines without one, are a step of a walk. */
export const PATTERNS_A_STEP = 256;

/**
 * The patterns of a rule. A rule without names matches every name, unless it lists only networks.
 * @param number the rule's position in the policy, for the problems that a walk reports
 */
export function walkPatterns(rule: RuleConfig, number: number, { readFile, groups }: HostSources): WalkPatterns {
  const path = ['policy', 'rules', number];
  return function* (tell = () => undefined) {
    if (!isAboutNames(rule)) {
      if (!rule.networks) yield { kind: 'any' };
      return;
    }
    for (const [at, text] of (rule.hosts ?? []).entries()) {
      yield* patternsOf(text, groups, (message) => tell({ severity: 'error', path: [...path, 'hosts', at], message }));
    }
    if (rule.hosts_file === undefined) return;
    const file = readFile(rule.hosts_file);
    const inFile = { severity: 'error', path: [...path, 'hosts_file'] } as const;
    if (file.kind === 'ok') yield* listedPatterns(file, (problem) => tell({ ...inFile, ...problem }));
    else tell({ ...inFile, message: file.why });
  };
}

/** True for a rule that lists the names it matches. */
export function isAboutNames({ hosts, hosts_file }: RuleConfig): boolean {
  return hosts !== undefined || hosts_file !== undefined;
}

/** The first pattern of a walk, if it has one. */
export function* firstPattern(walk: WalkPatterns): Steps<HostPattern | undefined> {
  const isStep = stepsOf(PATTERNS_A_STEP);
  for (const pattern of walk()) {
    if (pattern !== undefined) return pattern;
    if (isStep()) yield;
  }
  return undefined;
}

/** At most so many malformed lines are reported one by one. With more, the file itself is wrong. */
const TOLD_LINES = 20;

function* listedPatterns(
  { path: file, text }: Extract<HostsFile, { kind: 'ok' }>,
  tell: (problem: Pick<Problem, 'elsewhere' | 'message'>) => void,
): Iterable<HostPattern | undefined> {
  let malformed = 0;
  for (const line of walkLines(text)) {
    const pattern = line && readLine(line);
    if (pattern?.kind !== 'malformed') {
      yield pattern;
      continue;
    }
    if (line && ++malformed <= TOLD_LINES) {
      const position = { line: line.number, column: line.column };
      tell({ elsewhere: { file, position }, message: pattern.message });
    }
    yield undefined;
  }
  const untold = malformed - TOLD_LINES;
  if (untold > 0) tell({ elsewhere: { file }, message: `${untold} more lines are no host names` });
}

function readLine({ text, problem }: HostLine): ReturnType<typeof parseHostPattern> {
  if (problem === undefined) return parseHostPattern(text);
  return { kind: 'malformed', message: `${JSON.stringify(text.slice(0, 100))} ${problem}` };
}
