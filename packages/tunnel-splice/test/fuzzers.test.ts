/**
 * The fuzzers in C++, as long as a test may take: they are kept in step with the engine that they drive. Under the sanitizers they run for
 * longer (`npm run test:asan`, `npm run test:tsan`).
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const native = fileURLToPath(new URL('../native', import.meta.url));
/** What the build of the addon has compiled. */
const compiled = join(native, 'build/Release/obj.target/tunnel_splice/src');
/** These need Node.js; the calls of sys.cc are made to fail. */
const LEFT_OUT = ['addon.o', 'home.o', 'js_call.o', 'wake_up.o', 'sys.o'];

const why = whyNot();
if (why !== undefined) console.warn(`SKIPPED: no fuzzer in C++ runs here: ${why}`);

function whyNot(): string | undefined {
  if (!existsSync(compiled)) return 'the native engine was not built';
  return spawnSync('g++', ['--version']).status === 0 ? undefined : 'there is no g++';
}

const folder = mkdtempSync(join(tmpdir(), 'sallyport-fuzzers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = promisify(execFile);

describe.skipIf(why !== undefined)('the fuzzer in C++', () => {
  it.each([
    { fuzzer: 'engine_fuzz', args: ['7', '200'] },
    { fuzzer: 'relay_fuzz', args: ['7', '50'] },
  ])('$fuzzer drives the engine that was built', async ({ fuzzer, args }) => {
    const engine = readdirSync(compiled).filter((name) => name.endsWith('.o') && !LEFT_OUT.includes(name));
    const sources = [`${fuzzer}.cc`, 'faulty_sys.cc'].map((name) => join(native, 'test', name));
    const objects = engine.map((name) => join(compiled, name));
    const binary = join(folder, fuzzer);
    await run('g++', ['-std=c++17', '-O1', '-pthread', '-o', binary, ...sources, ...objects]);
    const { stdout } = await run(binary, args);
    expect(stdout).not.toBe('');
  });
});
