/** The build of the native engine on a machine that lacks something: its reason is what the log of `sallyport run` has. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));
const headers = resolve(process.execPath, '..', '..', 'include', 'node', 'node_api.h');
const why = process.platform !== 'linux' || !existsSync(headers) ? `it takes Linux, and ${headers}` : undefined;
if (why !== undefined) console.warn(`SKIPPED: no build fails here: ${why}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  const native = join(folder, 'native');
  for (const name of ['build.js', 'binding.gyp', 'src']) {
    cpSync(join(home, 'native', name), join(native, name), { recursive: true });
  }
  symlinkSync(join(home, 'node_modules'), join(folder, 'node_modules'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A folder with all programs but these. */
function programsWithout(missing: RegExp): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  const places = (process.env['PATH'] ?? '').split(delimiter).filter((place) => existsSync(place));
  for (const place of places) {
    for (const name of readdirSync(place)) {
      if (!missing.test(name) && !existsSync(join(programs, name))) link(join(place, name), join(programs, name));
    }
  }
  return programs;
}

/** One that leads nowhere is there already, and is no program. */
function link(program: string, name: string): void {
  try {
    symlinkSync(program, name);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  }
}

describe.skipIf(why !== undefined)('a build of the native engine', () => {
  it.each([
    {
      what: 'a compiler',
      missing: /g\+\+|gcc|^c\+\+$|^cc$/,
      reason: 'there is no g++; it takes g++, make and Python 3',
    },
    { what: 'make', missing: /make$/, reason: 'there is no make; it takes g++, make and Python 3' },
    { what: 'Python', missing: /python/, reason: 'there is no Python; it takes g++, make and Python 3' },
  ])('without $what says so, and fails nothing', ({ missing, reason }) => {
    const env = {
      ...process.env,
      PATH: programsWithout(missing),
      CXX: undefined,
      PYTHON: undefined,
      // As under `npm run --silent`.
      npm_config_loglevel: 'silent',
    };
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'native', 'build.js')], {
      env: { ...env, npm_config_nodedir: resolve(process.execPath, '..', '..'), npm_config_python: undefined },
      encoding: 'utf8',
    });
    expect(stderr).toBe(`The native transport was not built (${reason}); the portable one does the same work.\n`);
    expect(readFileSync(join(folder, 'native', 'build', 'reason.txt'), 'utf8')).toBe(`${reason}\n`);
    expect(status).toBe(0);
  });
});
