/** What a new user does with an installed program; `try-it.js` does it from within the root. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import type { Root } from './root.ts';

export interface Trial {
  /** Where the program is told to find its configuration; it is written there. */
  readonly config: string;
  /** A script that tells whether the program is healthy, to be run with its Node.js. */
  readonly healthcheck?: string;
}

/** Starts the program, sends a tunnel through each door, reloads and ends it; returns what was seen. */
export function tryIt(
  root: Root,
  program: readonly string[],
  { config, healthcheck = '' }: Trial,
): Readonly<Record<string, unknown>> {
  const own = '/usr/lib/sallyport/node';
  const node = root.run([own, '--version']).code === 0 ? own : 'node';
  const { stdout, stderr } = root.run([node, '/try/try-it.js', '/try', config, ...program], {
    HEALTHCHECK: healthcheck,
  });
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** What `try-it.js` needs: itself, and a certificate for the server that it starts. */
export function layOrigin(root: Root): void {
  const folder = join(root.changes, 'try');
  mkdirSync(folder, { recursive: true });
  copyFileSync(fileURLToPath(new URL('try-it.js', import.meta.url)), join(folder, 'try-it.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const { cert, key } = makeCertificates(['origin.test']);
  writeFileSync(join(folder, 'origin.crt'), cert);
  writeFileSync(join(folder, 'origin.key'), key);
}

/** Node.js and npm, as their users have them: nothing else of this machine. */
export function giveNode(root: Root): void {
  mkdirSync(join(root.changes, 'usr/local/bin'), { recursive: true });
  copyFileSync(process.execPath, join(root.changes, 'usr/local/bin/node'));
  const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  cpSync(join(modules, 'npm'), join(root.changes, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    const script = `#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/${name}-cli.js "$@"\n`;
    writeFileSync(join(root.changes, 'usr/local/bin', name), script, { mode: 0o755 });
  }
}
