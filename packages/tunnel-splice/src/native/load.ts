import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Addon } from './addon.ts';

/** The addon, or why there is none: the reason goes to the log, so that nobody has to guess. */
export type LoadedAddon =
  { readonly kind: 'loaded'; readonly addon: Addon } | { readonly kind: 'unavailable'; readonly reason: string };

// From `src/native` and `dist/native` alike.
const builtHere = (name: string): string => fileURLToPath(new URL(`../../native/build/${name}`, import.meta.url));

/** @param path another build of the addon, for the sanitizers */
export function loadAddon(path = builtHere('Release/tunnel_splice.node')): LoadedAddon {
  if (process.platform !== 'linux') return { kind: 'unavailable', reason: `it needs Linux, not ${process.platform}` };
  if (!existsSync(path)) return { kind: 'unavailable', reason: whyNotBuilt() };
  try {
    // The one boundary at which the addon's shape is taken on trust: it is built from the same tree.
    return { kind: 'loaded', addon: createRequire(import.meta.url)(path) as Addon };
  } catch (cause) {
    return { kind: 'unavailable', reason: cause instanceof Error ? cause.message : String(cause) };
  }
}

function whyNotBuilt(): string {
  const recorded = builtHere('reason.txt');
  return existsSync(recorded) ? `not built: ${readFileSync(recorded, 'utf8').trim()}` : 'not built';
}
