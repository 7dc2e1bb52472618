/** The program as the Debian package and the image install it: with a Node.js of its own, and the one addon that fits. */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TEXT_FILE } from './licenses.ts';
import { fetchNode } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { PREBUILT, type Program } from './stage-program.ts';
import { isOurs, OWN_FOLDERS } from './vendor.ts';

/** The folder that it is installed to. */
export const PROGRAM_FOLDER = 'usr/lib/sallyport';

const PARTS = [...OWN_FOLDERS, 'node_modules', 'package.json'] as const;
/** Tests and documents in published packages that an installed program does not need. */
const PUBLISHED_ONLY =
  /\/node_modules\/(?:@[^/]+\/)?[^/]+\/(?:tests?|benchmarks?|docs|examples?)$|\.(?:md|markdown|html)$/i;

export function installedProgram(program: Program, architecture: Architecture, to: string): void {
  mkdirSync(to, { recursive: true });
  const bundled = bundledLibraries(program);
  const filter = (path: string): boolean =>
    !isPublishedOnly(path.slice(program.folder.length)) && !bundled.some((library) => isCodeOf(library, path));
  for (const part of PARTS) {
    cpSync(join(program.folder, part), join(to, part), { recursive: true, filter });
  }
  const addons = join(to, PREBUILT);
  for (const name of readdirSync(addons)) {
    if (name !== `linux-${architecture}-glibc.node`) rmSync(join(addons, name));
    else chmodSync(join(addons, name), 0o644);
  }
  copyFileSync(fetchNode(architecture).executable, join(to, 'node'));
  chmodSync(join(to, 'node'), 0o755);
}

/** The folders of libraries whose code is in the bundle, and that no other library needs. */
function bundledLibraries({ folder, vendored }: Program): readonly string[] {
  const isBundled = (name: string): boolean => existsSync(join(folder, 'dist/bundle/packages', `${name}.js`));
  const foreign = vendored.filter(({ manifest }) => !isOurs(manifest));
  const others = foreign.filter(({ manifest }) => !isBundled(manifest.name));
  const needed = new Set(others.flatMap(({ manifest }) => Object.keys(manifest.dependencies)));
  return foreign.filter(({ manifest: { name } }) => isBundled(name) && !needed.has(name)).map(({ to }) => to);
}

/** All but what describes the library, and its licence. */
function isCodeOf(library: string, path: string): boolean {
  if (!path.startsWith(`${library}/`)) return false;
  const name = basename(path);
  return dirname(path) !== library || (name !== 'package.json' && !TEXT_FILE.test(name));
}

function isPublishedOnly(path: string): boolean {
  return path.startsWith('/node_modules/') && !path.includes('/@sallyport/') && PUBLISHED_ONLY.test(path);
}
