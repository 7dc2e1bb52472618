/** The values in a YAML document: maps as objects, with aliases followed and references to the environment expanded. */
import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Expansion } from './as-written.ts';
import { type Environment, expandReferences, explainEmpty, unescapeWithoutVariable } from './expand.ts';
import { isSecret } from './secret-keys.ts';

/** How many values aliases may add to a file. Aliases of aliases grow without bound, and each value must be checked. */
const ALIASED_VALUE_LIMIT = 500_000;

/** A problem of a node, with its path from the root. */
export interface NodeProblem {
  readonly node: Node;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The values of a document, and how to find a value's node. */
export interface YamlValues {
  readonly value: unknown;
  /** What was expanded from the environment. */
  readonly expansions: readonly Expansion[];
  readonly problems: readonly NodeProblem[];
  /** The pairs of every map by key. */
  readonly pairs: ReadonlyMap<YAMLMap, ReadonlyMap<string, Pair>>;
  /** The node of every alias. */
  readonly aliased: ReadonlyMap<Alias, Node>;
}

/** Reads the values of a document. A value that cannot be read is a problem, and `undefined` or its own text in the values. */
export function readYamlValues(root: Node, env: Environment | 'as written'): YamlValues {
  const reading: Reading = {
    env,
    size: 0,
    aliasedSize: 0,
    expansions: [],
    problems: [],
    pairs: new Map(),
    aliased: new Map(),
    anchors: new Map(),
  };
  const value = readNode(reading, root, []);
  return {
    value,
    expansions: reading.expansions,
    problems: reading.problems,
    pairs: reading.pairs,
    aliased: reading.aliased,
  };
}

type Path = readonly (string | number)[];

interface Reading {
  readonly env: Environment | 'as written';
  readonly expansions: Expansion[];
  /** The number of values so far, counted at each use. */
  size: number;
  /** How many of them come from aliases. */
  aliasedSize: number;
  readonly problems: NodeProblem[];
  readonly pairs: Map<YAMLMap, Map<string, Pair>>;
  readonly aliased: Map<Alias, Node>;
  readonly anchors: Map<string, { readonly node: Node; readonly value: unknown; readonly size: number }>;
}

function readNode(reading: Reading, node: unknown, path: Path): unknown {
  if (isAlias(node)) return followAlias(reading, node, path);
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null;
  const sizeBefore = reading.size;
  reading.size += 1;
  const value = isMap(node)
    ? readMap(reading, node, path)
    : isSeq(node)
      ? readList(reading, node.items, path)
      : readScalar(reading, node, path);
  // Known from here on, and not before, so that no value can contain itself.
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, { node, value, size: reading.size - sizeBefore });
  return value;
}

/** Follows an alias to an earlier value: one object, however often it is used. */
function followAlias(reading: Reading, alias: Alias, path: Path): unknown {
  const anchor = reading.anchors.get(alias.source);
  if (anchor === undefined) {
    const message = `*${alias.source} refers to no anchor &${alias.source} before it; a value that begins with * needs quotes`;
    reading.problems.push({ node: alias, path, message });
    return undefined;
  }
  reading.size += anchor.size;
  reading.aliasedSize += anchor.size;
  if (reading.aliasedSize > ALIASED_VALUE_LIMIT) {
    reading.problems.push({ node: alias, path, message: TOO_MANY_ALIASED });
    return undefined;
  }
  reading.aliased.set(alias, anchor.node);
  return anchor.value;
}

const TOO_MANY_ALIASED = `aliases stand for more than ${ALIASED_VALUE_LIMIT} values up to here; use fewer`;

function readMap(reading: Reading, map: YAMLMap, path: Path): unknown {
  const pairs = new Map<string, Pair>();
  const values = new Map<string, unknown>();
  reading.pairs.set(map, pairs);
  for (const pair of map.items) {
    const key = readKey(pair.key);
    const node = isNode(pair.key) ? pair.key : map;
    const complain = (message: string): number => reading.problems.push({ node, path: [...path, key ?? '?'], message });
    if (key === undefined) complain(explainKey(pair.key));
    else if (key === '<<') complain('unknown key "<<": YAML 1.2 merges no maps; write the keys out');
    // Such a key would change the prototype of the object.
    else if (key === '__proto__') complain('unknown key "__proto__"');
    else if (pairs.has(key)) complain(`the key ${JSON.stringify(key)} is given twice; keep one`);
    else {
      pairs.set(key, pair);
      values.set(key, readNode(reading, pair.value, [...path, key]));
    }
  }
  return Object.fromEntries(values);
}

/** A template that was not filled in has `{{ name }}`, and an address of IPv6 `[::]:3128`. */
function explainKey(key: unknown): string {
  const remedy = isMap(key) || isSeq(key) ? '; a value that begins with { or [ needs quotes' : '';
  return `a key must be plain text${remedy}`;
}

function readKey(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : key.source;
}

function readList(reading: Reading, items: readonly unknown[], path: Path): unknown {
  return items.map((item, index) => readNode(reading, item, [...path, index]));
}

function readScalar(reading: Reading, scalar: Scalar, path: Path): unknown {
  if (typeof scalar.value !== 'string') return scalar.value;
  const { env, expansions } = reading;
  if (env === 'as written') return unescapeWithoutVariable(scalar.value);
  const references: Expansion[] = [];
  const expanded = expandReferences(scalar.value, env, (reference) => references.push(reference));
  expansions.push(...references);
  const why = isSecret(path) ? references.map(explainEmpty).find((found) => found !== undefined) : undefined;
  if (why !== undefined) reading.problems.push({ node: scalar, path, message: why });
  if (expanded.kind === 'ok') {
    // Where no variable has a value, what is left is a part of the text: it hides nothing, and would be replaced within the text once more.
    const hides = references.some((reference) => reference.expanded !== '');
    if (expanded.value !== scalar.value && hides) expansions.push({ written: scalar.value, expanded: expanded.value });
    return expanded.value;
  }
  reading.problems.push({ node: scalar, path, message: expanded.why });
  return scalar.value;
}
