/** The suffixes below which anyone can register names: the Public Suffix List with its private part (`com`, `co.uk`, `github.io`). */
import { createRequire } from 'node:module';
import type * as Tldts from 'tldts';
import type * as TrieData from 'tldts/dist/cjs/src/data/trie.js';

type Trie = typeof TrieData;

interface SuffixList {
  readonly getDomain: typeof Tldts.getDomain;
  readonly parse: typeof Tldts.parse;
  readonly above: ReadonlySet<string>;
}

/** True for a public suffix, and for a name above one: `*.amazonaws.com` includes `*.s3.amazonaws.com`, where anyone can have a bucket. */
export function holdsStrangers(suffix: string): boolean {
  const { getDomain, above } = suffixList();
  return getDomain(suffix, { allowPrivateDomains: true, validateHostname: false }) === null || above.has(suffix);
}

/** False below a last label that the list does not have, such as `internal` or `corp`: there, names are an operator's own. */
export function isBelowListed(name: string): boolean {
  const { isIcann, isPrivate } = suffixList().parse(name, { allowPrivateDomains: true, validateHostname: false });
  return isIcann === true || isPrivate === true;
}

let list: SuffixList | undefined;

/** Loaded at the first call: it is a megabyte that a running proxy never needs. */
function suffixList(): SuffixList {
  const require = createRequire(import.meta.url);
  const { getDomain, parse } = require('tldts') as typeof Tldts; // The types of the package itself.
  list ??= { getDomain, parse, above: namesAboveSuffixes(require('tldts/dist/cjs/src/data/trie.js') as Trie) };
  return list;
}

/** Only the list's data says which names are above a suffix; all else is asked through its functions. */
function namesAboveSuffixes(trie: Trie): ReadonlySet<string> {
  const { edgeChild, edgeStart, edgeLength, labelText, nodeFlags, rulesRoot } = trie;
  const offsets = edgeOffsets(trie);
  const found = new Set<string>();
  const visit = (node: number, name: string): boolean => {
    let hasRuleBelow = false;
    for (let edge = edgeStart[node] ?? 0; edge < (edgeStart[node + 1] ?? 0); edge++) {
      const offset = offsets[edge] ?? 0;
      const label = labelText.slice(offset, offset + (edgeLength[edge] ?? 0));
      const child = edgeChild[edge] ?? 0;
      const isRule = nodeFlags[child] !== 0;
      if (visit(child, name === '' ? label : `${label}.${name}`) || isRule) hasRuleBelow = true;
    }
    if (hasRuleBelow && name !== '') found.add(name);
    return hasRuleBelow;
  };
  visit(rulesRoot, '');
  return found;
}

function edgeOffsets({ edgeLength }: Trie): Uint32Array {
  const offsets = new Uint32Array(edgeLength.length);
  for (let edge = 1; edge < offsets.length; edge++) {
    offsets[edge] = (offsets[edge - 1] ?? 0) + (edgeLength[edge - 1] ?? 0);
  }
  return offsets;
}
