/** The program as the Debian package and the image install it: with a Node.js of its own, and the one addon that fits. */
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchNode } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { PREBUILT, type Program } from './stage-program.ts';
import { OWN_FOLDERS } from './vendor.ts';

/** The folder that it is installed to. */
export const PROGRAM_FOLDER = 'usr/lib/sallyport';

const PARTS = [...OWN_FOLDERS, 'node_modules', 'package.json'] as const;
/** Tests and documents in published packages that an installed program does not need. */
const PUBLISHED_ONLY =
  /\/node_modules\/(?:@[^/]+\/)?[^/]+\/(?:tests?|benchmarks?|docs|examples?)$|\.(?:md|markdown|html)$/i;

export function installedProgram(program: Program, architecture: Architecture, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const part of PARTS) {
    const filter = (path: string): boolean => !isPublishedOnly(path.slice(program.folder.length));
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

function isPublishedOnly(path: string): boolean {
  return path.startsWith('/node_modules/') && !path.includes('/@sallyport/') && PUBLISHED_ONLY.test(path);
}
