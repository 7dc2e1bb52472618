/** Many names below one suffix, made one `*.suffix`: never of a suffix under which strangers can have names. */
import { holdsStrangers } from './public-suffixes.ts';

/** A pattern of `hosts`, and the names that it stands for. */
export interface Folded<Item> {
  readonly pattern: string;
  readonly items: readonly Item[];
}

/**
 * Folds `least` or more names below one suffix into `*.suffix`, the deepest suffixes first. A public suffix (`com`, `co.uk`, `github.io`:
 * the Public Suffix List with its private part) and whatever stands above one is never folded.
 */
export function foldNames<Item extends { readonly host: string }>(
  items: readonly Item[],
  least: number,
): readonly Folded<Item>[] {
  if (least === Infinity) return items.map((item) => ({ pattern: item.host, items: [item] }));
  const left = new Map(items.map((item) => [item.host, item]));
  const folded: Folded<Item>[] = [];
  for (const [suffix, below] of suffixesDeepestFirst(items)) {
    const names = below.filter(({ host }) => left.has(host));
    if (names.length < least || holdsStrangers(suffix)) continue;
    for (const { host } of names) left.delete(host);
    folded.push({ pattern: `*.${suffix}`, items: names });
  }
  return [...folded, ...[...left.values()].map((item) => ({ pattern: item.host, items: [item] }))];
}

function suffixesDeepestFirst<Item extends { readonly host: string }>(
  items: readonly Item[],
): readonly (readonly [string, readonly Item[]])[] {
  const below = new Map<string, Item[]>();
  for (const item of items) {
    for (let dot = item.host.indexOf('.'); dot >= 0; dot = item.host.indexOf('.', dot + 1)) {
      const suffix = item.host.slice(dot + 1);
      const names = below.get(suffix);
      if (names) names.push(item);
      else below.set(suffix, [item]);
    }
  }
  return [...below].sort(([a], [b]) => b.split('.').length - a.split('.').length || (a < b ? -1 : 1));
}
