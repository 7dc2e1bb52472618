/** Named lists of hosts: `hosts: ["@npm"]` stands for the patterns of the group `npm`. */
import { didYouMean, type Problem } from '@sallyport/config';
import { type HostPattern, parseHostPattern } from './host-patterns.ts';

/** The patterns of each group, as text: those of the configuration, and those that come with the program. */
export type Groups = ReadonlyMap<string, readonly string[]>;

export const NO_GROUPS: Groups = new Map();

/** The group that an entry of `hosts` names, if it names one. */
export function groupNamed(text: string): string | undefined {
  return text.startsWith('@') ? text.slice(1) : undefined;
}

/** The patterns that an entry of `hosts` stands for: itself, or those of its group. Problems are reported to `tell`. */
export function* patternsOf(text: string, groups: Groups, tell: (message: string) => void): Generator<HostPattern> {
  const group = groupNamed(text);
  if (group === undefined) {
    const pattern = parseHostPattern(text);
    if (pattern.kind === 'malformed') tell(pattern.message);
    else yield pattern;
    return;
  }
  const listed = groups.get(group);
  if (!listed) tell(explainUnknown(group, groups));
  // Malformed patterns of a group are reported once, where the group is defined.
  for (const each of listed ?? []) {
    const pattern = parseHostPattern(each);
    if (pattern.kind !== 'malformed') yield pattern;
  }
}

/** Reports malformed patterns in the groups of the configuration, and groups that no rule names. */
export function checkGroups(
  groups: Readonly<Record<string, readonly string[]>>,
  rules: readonly { readonly hosts?: readonly string[] }[],
): readonly Problem[] {
  const named = new Set(rules.flatMap(({ hosts = [] }) => hosts.flatMap((text) => groupNamed(text) ?? [])));
  return Object.entries(groups).flatMap(([name, patterns]) => [
    ...patterns.flatMap((text, at) => checkPattern(text, ['groups', name, at])),
    ...(named.has(name) ? [] : [warnUnused(name)]),
  ]);
}

function checkPattern(text: string, path: Problem['path']): readonly Problem[] {
  if (groupNamed(text) !== undefined) {
    return [{ severity: 'error', path, message: 'a group lists hosts, and no other group; list its hosts here' }];
  }
  const pattern = parseHostPattern(text);
  return pattern.kind === 'malformed' ? [{ severity: 'error', path, message: pattern.message }] : [];
}

function warnUnused(name: string): Problem {
  const message = `no rule names the group; write hosts: ["@${name}"] in one, or remove it`;
  return { severity: 'warning', path: ['groups', name], message };
}

function explainUnknown(group: string, groups: Groups): string {
  const hint = didYouMean(group, [...groups.keys()]) || '; sallyport groups lists those that come with the program';
  return `no group is named ${JSON.stringify(group)}${hint}`;
}
