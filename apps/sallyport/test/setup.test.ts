/** The set-up of a clone: which steps it takes. The tools of others are programs that write down that they ran. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SETUP = fileURLToPath(new URL('../setup.js', import.meta.url));

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'sallyport-clone-'));
  lay('package.json', '{ "packageManager": "pnpm@10.0.0" }');
  for (const member of ['packages/tunnel-splice', 'apps/sallyport', 'apps/sallyport/page']) {
    lay(`${member}/package.json`, '{ "type": "module" }');
    lay(`${member}/tsconfig.json`, '{}');
  }
  cpSync(SETUP, join(clone, 'apps/sallyport/setup.js'));
  const made = (...files: readonly string[]): string =>
    files.map((file) => `mkdir -p ${dirname(file)}; echo made > ${file}`).join('; ');
  layProgram(
    'npx',
    `echo install >> steps; ${made('packages/tunnel-splice/node_modules/a', 'apps/sallyport/node_modules/a')}`,
  );
  lay('packages/tunnel-splice/native/build.js', writes('native', 'packages/tunnel-splice/native/build/reason.txt'));
  const dist = 'dist/tsconfig.tsbuildinfo';
  lay(
    'node_modules/typescript/bin/tsc',
    writes('build', `packages/tunnel-splice/${dist}`, `apps/sallyport/${dist}`, `apps/sallyport/page/${dist}`),
  );
  lay('apps/sallyport/bundle.js', writes('bundle', 'apps/sallyport/dist/bundle/main.js'));
});
afterEach(() => rmSync(clone, { recursive: true }));

function lay(file: string, text: string): void {
  mkdirSync(dirname(join(clone, file)), { recursive: true });
  writeFileSync(join(clone, file), text);
}

function layProgram(name: string, script: string): void {
  lay(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(clone, 'bin', name), 0o755);
}

/** A program for Node.js, as text. */
function writes(step: string, ...files: readonly string[]): string {
  return `const { appendFileSync, mkdirSync, writeFileSync } = process.getBuiltinModule('node:fs');
appendFileSync('steps', '${step}\\n');
for (const file of ${JSON.stringify(files)}) {
  mkdirSync(file.replace(/[^/]*$/, ''), { recursive: true });
  writeFileSync(file, 'made');
}`;
}

/** The steps that a set-up takes. */
function setUp(): readonly string[] {
  writeFileSync(join(clone, 'steps'), '');
  const env = { ...process.env, PATH: `${join(clone, 'bin')}${delimiter}/usr/bin${delimiter}/bin` };
  const { status, stderr } = spawnSync(process.execPath, [join(clone, 'apps/sallyport/setup.js')], { env, cwd: clone });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return readFileSync(join(clone, 'steps'), 'utf8').trim().split('\n').filter(Boolean);
}

it('takes every step in a fresh clone, and none again', () => {
  expect(setUp()).toEqual(['install', 'native', 'build', 'bundle']);
  expect(setUp()).toEqual([]);
});

it.each([
  { gone: 'apps/sallyport/dist', steps: ['build', 'bundle'] },
  { gone: 'apps/sallyport/dist/bundle', steps: ['bundle'] },
  { gone: 'apps/sallyport/page/dist', steps: ['build', 'bundle'] },
  { gone: 'packages/tunnel-splice/native/build', steps: ['native'] },
  { gone: 'packages/tunnel-splice/node_modules', steps: ['install'] },
])('makes $gone again', ({ gone, steps }) => {
  setUp();
  rmSync(join(clone, gone), { recursive: true });
  expect(setUp()).toEqual(steps);
  expect(setUp()).toEqual([]);
});

it('tries the native engine again with a compiler that was installed since', () => {
  setUp();
  layProgram('g++', 'exit 0');
  expect(setUp()).toEqual(['native']);
  expect(setUp()).toEqual([]);
});
