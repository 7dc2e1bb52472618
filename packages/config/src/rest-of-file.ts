/** What an invalid file says beside its problems, so that the checks of later steps can be told at the same time. */
import { type Config, completeConfig } from './config.ts';
import type { ConfigPath } from './problems.ts';
import { configSchema } from './schema.ts';

/** Stand in for items of which too little is left. No problem can be found in them. */
const LISTENER = { name: 'listener', mode: 'connect', bind: '127.0.0.1:0' };
const STAND_INS = [
  { list: ['listeners'], item: LISTENER },
  { list: ['egress'], item: { name: 'egress', type: 'direct' } },
  { list: ['policy', 'rules'], item: { action: 'deny' } },
] as const;

/** Stands in for the hosts of a group. */
const GROUP = ['stand-in.invalid'];

/** Stand in for keys that a rule or a listener needs. */
const NEEDED: ReadonlyMap<string | number, string> = new Map([
  ['action', 'deny'],
  ['bind', LISTENER.bind],
]);

/** A key within a section within a section. */
const MOST_ROUNDS = 3;

/**
 * The configuration without the keys that have problems: their defaults hold. Undefined where what is left says something else than the
 * file does, or is no configuration.
 * @param problems where they are
 */
export function restOfFile(value: unknown, problems: readonly ConfigPath[]): Config | undefined {
  // What is no map of groups may be meant to hold any.
  if (problems.some(([section, name]) => section === undefined || (section === 'groups' && name === undefined)))
    return undefined;
  const config = withoutProblems(structuredClone(value), problems);
  // A rule may name a group that has a problem.
  const groups = Object.keys(at(value, 'groups') ?? {}).map((name) => [name, GROUP] as const);
  return config && { ...config, groups: { ...Object.fromEntries(groups), ...config.groups } };
}

/** Takes them out of the value. */
function withoutProblems(rest: unknown, problems: readonly ConfigPath[]): Config | undefined {
  let paths = problems;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    for (const path of paths) takeOut(rest, path);
    const validated = configSchema.safeParse(rest);
    if (validated.success) return completeConfig(validated.data);
    // What lacks a key that it needs goes itself.
    paths = validated.error.issues.map(({ path }) => path.slice(0, -1).filter((step) => typeof step !== 'symbol'));
  }
  // Rather a part of the file than nothing.
  const validated = configSchema.safeParse({
    listeners: [LISTENER],
    policy: at(rest, 'policy'),
    groups: at(rest, 'groups'),
  });
  return validated.success ? completeConfig(validated.data) : undefined;
}

/** Takes out the key that is nearest to the end of the path. What stands in a list goes with the key of the list, or has a stand-in. */
function takeOut(value: unknown, path: ConfigPath): void {
  if (replaceItem(value, path)) return;
  let nearest: { readonly map: object; readonly key: string | number } | undefined;
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) break;
    if (!Array.isArray(here)) nearest = { map: here, key: step };
    here = Reflect.get(here, step);
  }
  if (!nearest) return;
  const { map, key } = nearest;
  if (NEEDED.has(key)) Reflect.set(map, key, NEEDED.get(key));
  else Reflect.deleteProperty(map, key);
}

/** Where the path is that of an item with a stand-in. The item keeps its name, for rules name it. */
function replaceItem(value: unknown, path: ConfigPath): boolean {
  const [place, index] = [path.slice(0, -1), path.at(-1)];
  const standIn = STAND_INS.find(({ list }) => list.join() === place.join());
  const list = place.reduce(at, value);
  if (!standIn || !Array.isArray(list) || typeof index !== 'number') return false;
  const name = at(list[index], 'name');
  list[index] = { ...standIn.item, ...(typeof name === 'string' && { name }) };
  return true;
}

/** What a map has under a key, or a list at a place. Neither is copied: a long list may have a problem in each item. */
function at(value: unknown, step: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
}
