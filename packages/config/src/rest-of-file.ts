/** What an invalid file says beside its problems, so that the checks of later steps can be told at the same time. */
import { type Config, completeConfig } from './config.ts';
import type { ConfigPath } from './problems.ts';
import { configSchema } from './schema.ts';

/** Stands in for listeners of which too little is left. No problem can be found in it. */
const LISTENERS = [{ name: 'listener', mode: 'connect', bind: '127.0.0.1:0' }];

/** Stand in for keys that a rule needs. */
const NEEDED: ReadonlyMap<string | number, string> = new Map([['action', 'deny']]);

/**
 * The configuration without the keys that have problems: their defaults hold. Undefined where what is left says something else than the
 * file does, or is no configuration.
 * @param problems where they are
 */
export function restOfFile(value: unknown, problems: readonly ConfigPath[]): Config | undefined {
  // A rule may name the group that would be missing.
  if (problems.some(([section]) => section === undefined || section === 'groups')) return undefined;
  const rest = structuredClone(value);
  for (const path of problems) takeOut(rest, path);
  const { policy, groups } = asMap(rest);
  // Of a listener, most keys are needed: rather a part of the file than nothing.
  for (const part of [rest, { listeners: LISTENERS, policy, groups }]) {
    const validated = configSchema.safeParse(part);
    if (validated.success) return completeConfig(validated.data);
  }
  return undefined;
}

/** Takes out the key that is nearest to the end of the path. What stands in a list goes with the key of the list. */
function takeOut(value: unknown, path: ConfigPath): void {
  let nearest: { readonly map: object; readonly key: string | number } | undefined;
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) break;
    if (!Array.isArray(at)) nearest = { map: at, key: step };
    at = Reflect.get(at, step);
  }
  if (!nearest) return;
  const { map, key } = nearest;
  if (NEEDED.has(key)) Reflect.set(map, key, NEEDED.get(key));
  else Reflect.deleteProperty(map, key);
}

function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
