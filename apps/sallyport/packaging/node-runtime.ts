/** The Node.js in the Debian package and the image: the executable of nodejs.org, from the npm package that contains it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './options.ts';
import { workshop } from './places.ts';

export const NODE_VERSION = '24.21.0';

/** The SHA-512 of each package, from the registry's index. A file with another one is refused. */
const INTEGRITY: Readonly<Record<Architecture, string>> = {
  x64: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

const STRIP: Readonly<Record<Architecture, string>> = { x64: 'strip', arm64: 'aarch64-linux-gnu-strip' };

export interface NodeRuntime {
  /** Without its symbols, which are a seventh of it. */
  readonly executable: string;
  readonly license: string;
  readonly version: string;
  /** SHA-512 of the package that it comes from, in base64. */
  readonly integrity: string;
  readonly source: string;
}

export function fetchNode(architecture: Architecture): NodeRuntime {
  const name = `node-linux-${architecture}`;
  const folder = join(workshop, '..', 'downloads');
  const tarball = join(folder, `${name}-${NODE_VERSION}.tgz`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(tarball)) {
    execFileSync('npm', ['pack', '--silent', `${name}@${NODE_VERSION}`, '--pack-destination', folder], {
      stdio: 'pipe',
    });
  }
  const integrity = createHash('sha512').update(readFileSync(tarball)).digest('base64');
  if (integrity !== INTEGRITY[architecture])
    throw new Error(`${tarball} is not what it was: its SHA-512 is ${integrity}`);
  const unpacked = join(folder, `${name}-${NODE_VERSION}`);
  const executable = join(unpacked, 'node');
  if (!existsSync(executable)) {
    mkdirSync(unpacked, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', unpacked, 'package/bin/node', 'package/LICENSE']);
    execFileSync(STRIP[architecture], ['--strip-unneeded', join(unpacked, 'package/bin/node')]);
    copyFileSync(join(unpacked, 'package/bin/node'), executable);
  }
  return {
    executable,
    license: join(unpacked, 'package/LICENSE'),
    version: NODE_VERSION,
    integrity,
    source: `pkg:npm/${name}@${NODE_VERSION}`,
  };
}
