/** Under which names strangers can have names: the Public Suffix List with its private part (`com`, `co.uk`, `github.io`). */
import { getDomain } from 'tldts';
import { edgeChild, edgeLength, edgeStart, labelText, nodeFlags, rulesRoot } from 'tldts/dist/cjs/src/data/trie.js';

/** True for a public suffix, and for a name above one: `*.amazonaws.com` holds `*.s3.amazonaws.com`, where anybody has a bucket. */
export function holdsStrangers(suffix: string): boolean {
  if (getDomain(suffix, { allowPrivateDomains: true, validateHostname: false }) === null) return true;
  above ??= namesAboveSuffixes();
  return above.has(suffix);
}

/** Made when it is first asked for: most commands never do. */
let above: ReadonlySet<string> | undefined;

/** The list is asked by name everywhere else; that a suffix is above another one, only its data tells. */
function namesAboveSuffixes(): ReadonlySet<string> {
  const offsets = edgeOffsets();
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

function edgeOffsets(): Uint32Array {
  const offsets = new Uint32Array(edgeLength.length);
  for (let edge = 1; edge < offsets.length; edge++) {
    offsets[edge] = (offsets[edge - 1] ?? 0) + (edgeLength[edge - 1] ?? 0);
  }
  return offsets;
}
