/**
 * Copies a workspace package with its run-time dependencies, from where pnpm linked it by the lockfile: the packages contain exactly what
 * was tested.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** All other fields of the file. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** One package of the tree: its folder here, and its folder in the copy. */
export interface Vendored {
  readonly manifest: Manifest;
  readonly from: string;
  readonly to: string;
}

/** Files that are not needed to run a package: types, TypeScript sources, source maps, the compiler's build information, hidden files. */
const LEFT_OUT = /\.(?:[cm]?ts|map|tsbuildinfo|flow)$|^\.[^/]*$/;

/** The folders of a workspace package that are copied: all that a program reads when it runs. */
export const OWN_FOLDERS = ['bin', 'dist', 'groups', 'page', 'starters'] as const;

/**
 * Copies `from` to `to`, and its dependencies to `to`/node_modules: the first version of each is placed there, any other one below the
 * package that needs it.
 */
export function vendorTree(from: string, to: string, version: string): readonly Vendored[] {
  const found = new Map<string, Vendored>();
  gather(realpathSync(from), to, found, to);
  for (const each of found.values()) {
    mkdirSync(each.to, { recursive: true });
    if (isOurs(each.manifest)) copyOwn(each, version);
    else copyWhole(each);
  }
  return [...found.values()].sort((a, b) => (a.to < b.to ? -1 : 1));
}

function gather(folder: string, to: string, found: Map<string, Vendored>, root: string): void {
  const manifest = readManifest(folder);
  found.set(folder, { manifest, from: folder, to });
  for (const name of Object.keys(manifest.dependencies).sort()) {
    const needed = locate(name, folder);
    if (found.has(needed)) continue;
    const isTaken = [...found.values()].some((each) => each.to === join(root, 'node_modules', name));
    gather(needed, join(isTaken ? to : root, 'node_modules', name), found, root);
  }
}

/** Where Node.js would find a package from this folder. */
function locate(name: string, from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (basename(folder) === 'node_modules') continue;
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) return realpathSync(candidate);
  }
  // pnpm links the dependencies of a package beside it.
  const beside = join(from.slice(0, from.lastIndexOf('/node_modules/')), 'node_modules', name);
  if (existsSync(beside)) return realpathSync(beside);
  throw new Error(`${name}, which ${from} needs, is not installed`);
}

export function readManifest(folder: string): Manifest {
  const rest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { name, version = '', license = '', dependencies = {} } = rest as Partial<Manifest>;
  if (name === undefined) throw new Error(`${folder}/package.json has no name`);
  return { name, version, license, dependencies, rest };
}

export function isOurs({ name }: Manifest): boolean {
  return name === 'sallyport' || name.startsWith('@sallyport/');
}

/** Copies a built workspace package, and sets its version and those of its dependencies. */
function copyOwn({ manifest, from, to }: Vendored, version: string): void {
  for (const folder of OWN_FOLDERS) {
    const filter = (path: string): boolean => isShipped(path) && !isStale(path, from) && !path.endsWith('/src');
    if (existsSync(join(from, folder))) cpSync(join(from, folder), join(to, folder), { recursive: true, filter });
  }
  const dependencies = Object.fromEntries(
    Object.keys(manifest.dependencies).map((name) => {
      const needed = readManifest(locate(name, from));
      return [name, isOurs(needed) ? version : needed.version];
    }),
  );
  const { exports } = manifest.rest;
  const kept = { name: manifest.name, version, license: manifest.license, type: 'module', exports, dependencies };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(kept, undefined, 2)}\n`);
}

function copyWhole({ from, to }: Vendored): void {
  cpSync(from, to, {
    recursive: true,
    filter: (path) => !path.slice(from.length).includes('/node_modules') && isShipped(path),
  });
}

function isShipped(path: string): boolean {
  return !LEFT_OUT.test(path.slice(path.lastIndexOf('/') + 1));
}

/** Compiled from a source that no longer exists. */
function isStale(path: string, folder: string): boolean {
  const compiled = join(folder, 'dist');
  if (!path.startsWith(`${compiled}/`) || path.startsWith(`${compiled}/bundle/`) || !path.endsWith('.js')) return false;
  return !existsSync(join(folder, 'src', path.slice(compiled.length)).replace(/\.js$/, '.ts'));
}
