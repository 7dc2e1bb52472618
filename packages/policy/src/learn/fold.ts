/** Replaces many names below one suffix by `*.suffix`, but never below a suffix where anyone can register names. */
import { holdsStrangers } from './public-suffixes.ts';

/** A pattern of `hosts`, and the names that it replaces. */
export interface Folded {
  readonly pattern: string;
  readonly names: readonly string[];
}

export interface Folding {
  readonly folded: readonly Folded[];
  /** Names that no pattern replaces. */
  readonly left: readonly string[];
}

/**
 * Folds `least` or more names below one suffix into `*.suffix`, the deepest suffixes first. Never folds a public suffix (`com`, `co.uk`,
 * `github.io`: the Public Suffix List with its private part) or a name above one.
 */
export function foldNames(names: readonly string[], least: number): Folding {
  const left = new Set(names);
  const folded: Folded[] = [];
  for (const [suffix, allBelow] of suffixesDeepestFirst(names)) {
    const below = allBelow.filter((name) => left.has(name));
    if (below.length < least || holdsStrangers(suffix)) continue;
    for (const name of below) left.delete(name);
    folded.push({ pattern: `*.${suffix}`, names: below });
  }
  return { folded, left: [...left] };
}

function suffixesDeepestFirst(names: readonly string[]): readonly (readonly [string, readonly string[]])[] {
  const below = new Map<string, string[]>();
  for (const name of names) {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const suffix = name.slice(dot + 1);
      const known = below.get(suffix);
      if (known) known.push(name);
      else below.set(suffix, [name]);
    }
  }
  return [...below].sort(([a], [b]) => b.split('.').length - a.split('.').length || (a < b ? -1 : 1));
}
