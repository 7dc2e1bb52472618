import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Addon } from './addon.ts';
import { platformName } from './platform.ts';

/** The addon, or why there is none, for the log. */
export type LoadedAddon =
  | { readonly kind: 'loaded'; readonly addon: Addon; readonly file: string; readonly binary: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

// From `src/native` and `dist/native` alike.
const inNative = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));

/** The addon that was found, which is asked for once a second and more; undefined until one was loaded. */
let present: LoadedAddon | undefined;

/** @param path another build of the addon, for the sanitizers */
export function loadAddon(path?: string): LoadedAddon {
  if (path !== undefined) return load(path);
  const found = present ?? load();
  if (found.kind === 'loaded') present = found;
  return found;
}

function load(path?: string): LoadedAddon {
  if (process.platform !== 'linux') return { kind: 'unavailable', reason: `it needs Linux, not ${process.platform}` };
  const found = path === undefined ? findAddon() : { file: path, binary: 'built' };
  if (!existsSync(found.file)) return { kind: 'unavailable', reason: whyNotThere() };
  try {
    // The one place where the addon's shape is not checked: it is built from the same tree.
    return { kind: 'loaded', addon: createRequire(import.meta.url)(found.file) as Addon, ...found };
  } catch (cause) {
    return { kind: 'unavailable', reason: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** Which addon is loaded: `built` beside its sources, or one of those in the package, named by their platforms. */
export type NativeBinary =
  | { readonly kind: 'loaded'; readonly binary: string; readonly file: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Loads the addon, where it is not loaded yet, and says which one it is. */
export function nativeBinary(): NativeBinary {
  const loaded = loadAddon();
  if (loaded.kind === 'unavailable') return loaded;
  return { kind: 'loaded', binary: loaded.binary, file: loaded.file };
}

function findAddon(): { readonly file: string; readonly binary: string } {
  const built = inNative('build/Release/tunnel_splice.node');
  if (existsSync(built)) return { file: built, binary: 'built' };
  const binary = platformName();
  return { file: inNative(`prebuilt/${binary}.node`), binary };
}

function whyNotThere(): string {
  if (existsSync(inNative('prebuilt'))) return `this package brings none for ${platformName()}`;
  const recorded = inNative('build/reason.txt');
  return existsSync(recorded) ? `not built: ${readFileSync(recorded, 'utf8').trim()}` : 'not built';
}
