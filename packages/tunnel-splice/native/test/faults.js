/**
 * Makes each system call of the native engine fail once, at several moments and with several errors, under AddressSanitizer. The engine
 * must not crash, hang, or lose a byte or a descriptor, except for the connection that was hit.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(folder, 'build', 'faults');
/** These need Node.js; sys.cc is replaced by the faulty calls. */
const leftOut = ['addon.cc', 'home.cc', 'js_call.cc', 'wake_up.cc', 'sys.cc'];
const engine = readdirSync(join(folder, 'src')).filter((name) => name.endsWith('.cc') && !leftOut.includes(name));
const tests = ['engine_fuzz.cc', 'faulty_sys.cc'].map((name) => join(folder, 'test', name));
const binary = join(out, 'engine_fuzz');
/** Over a thousand runs of some 20 ms. */
const TIMEOUT_MS = 600_000;

mkdirSync(out, { recursive: true });
const sources = [...engine.map((name) => join(folder, 'src', name)), ...tests];
run('g++', ['-std=c++17', '-g', '-O1', '-fsanitize=address', '-pthread', '-o', binary, ...sources]);
run(binary, ['failing', '20']);

function run(command, args) {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return;
  console.error(stderr.slice(-4_000));
  console.error(`${command} failed: ${error?.message ?? `it ended with ${status}`}`);
  process.exit(1);
}
