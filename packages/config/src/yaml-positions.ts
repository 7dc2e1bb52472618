/** Finds the positions of values in a YAML document. */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node } from 'yaml';
import type { ConfigPath, Locate, Position } from './problems.ts';
import type { ParsedDocument } from './yaml-document.ts';
import type { YamlValues } from './yaml-values.ts';

/** What a path leads to: the key (none in a list) and the value (none when the key has no value). */
interface Place {
  readonly key?: Node;
  readonly value?: Node;
}

/**
 * Makes two functions: `locate` finds the place of a value, `locateKey` that of a key. A path that does not exist, as one to a missing
 * key, is found at its last existing step.
 */
export function createLocate(
  { root, positionAt }: ParsedDocument,
  values: YamlValues,
): { readonly locate: Locate; readonly locateKey: Locate } {
  const find = (path: ConfigPath): Place => {
    let place: Place = { value: root };
    for (const step of path) {
      const next = takeStep(values, place.value, step);
      if (next === undefined) break;
      place = next;
    }
    return place;
  };
  const positionOf = (node: Node | undefined): Position => positionAt(node?.range?.[0] ?? 0);
  return {
    locate: (path) => positionOf(pointAt(find(path))),
    locateKey: (path) => {
      const { key, value } = find(path);
      return positionOf(key ?? value);
    },
  };
}

function takeStep(values: YamlValues, from: Node | undefined, step: string | number): Place | undefined {
  const node = isAlias(from) ? values.aliased.get(from) : from;
  if (isMap(node)) {
    const pair = values.pairs.get(node)?.get(String(step));
    return isPair(pair) ? placeOf(pair.key, pair.value) : undefined;
  }
  const item = isSeq(node) ? node.items[Number(step)] : undefined;
  return item === undefined ? undefined : placeOf(undefined, item);
}

function placeOf(key: unknown, value: unknown): Place {
  return { ...(isNode(key) && { key }), ...(isNode(value) && { value }) };
}

function isNode(value: unknown): value is Node {
  return isAlias(value) || isMap(value) || isSeq(value) || isScalar(value);
}

/** The value where it stands beside its key; the key where there is no value, or the value stands on the lines below. */
function pointAt({ key, value }: Place): Node | undefined {
  if (key === undefined || value === undefined) return value ?? key;
  const isBlock = (isMap(value) || isSeq(value)) && value.flow !== true;
  const isNothing = isScalar(value) && value.value === null && value.source === '';
  return isBlock || isNothing ? key : value;
}
