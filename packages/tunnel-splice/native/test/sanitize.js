/**
 * Runs the native transport under a sanitizer: the C++ fuzzers of the relay and the engine, then the contract suite and the tests of
 * verdicts with an addon built for it, in a stock Node.js that has the sanitizer's runtime preloaded. Usage: sanitize.js address|thread
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(folder, '..', '..', '..');
const sanitizer = process.argv[2];
const runtimes = { address: 'libasan.so', thread: 'libtsan.so' };
if (!Object.hasOwn(runtimes, sanitizer)) {
  console.error('usage: node native/test/sanitize.js address|thread');
  process.exit(2);
}

const out = join(folder, 'build', sanitizer);
mkdirSync(out, { recursive: true });
const sources = readdirSync(join(folder, 'src')).filter((name) => name.endsWith('.cc'));
// These need Node.js, and are left out of a fuzzer.
const binding = ['addon.cc', 'home.cc', 'js_call.cc', 'wake_up.cc'];
const engine = sources.filter((name) => !binding.includes(name)).map((name) => join(folder, 'src', name));
const faultyEngine = [...engine.filter((path) => !path.endsWith('/sys.cc')), join(folder, 'test', 'faulty_sys.cc')];
const reports = join(out, 'reports');
const options = {
  // Node.js itself does not free all memory at its end. The fuzzers show the engine's leaks.
  ASAN_OPTIONS: 'detect_leaks=0',
  // Stock Node.js is not built for ThreadSanitizer, which therefore does not see V8's own synchronization: reports are filtered.
  TSAN_OPTIONS: `exitcode=0 log_path=${join(reports, 'race')}`,
};

fuzz('relay_fuzz', [['1', '500']]);
fuzz(
  'engine_fuzz',
  ['1', '2', '3', '4', '5', '6'].map((seed) => [seed, '1000']),
);
runContractSuite();

function fuzz(name, runs) {
  const binary = join(out, name);
  compile(binary, ['-O1', join(folder, 'test', `${name}.cc`), ...faultyEngine]);
  for (const args of runs) run(binary, args);
}

function runContractSuite() {
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports);
  const addon = join(out, 'tunnel_splice.node');
  const headers = [process.env.npm_config_nodedir, resolve(process.execPath, '..', '..')].filter(Boolean);
  const includes = headers.flatMap((path) => ['-I', join(path, 'include', 'node')]);
  const flags = ['-O1', '-fPIC', '-shared', '-DNAPI_VERSION=8', ...includes];
  compile(addon, [...flags, ...engine, ...binding.map((name) => join(folder, 'src', name))]);
  const runtime = spawnSync('g++', [`-print-file-name=${runtimes[sanitizer]}`], { encoding: 'utf8' }).stdout.trim();
  const tests = ['native', 'verdicts', 'verdicts-agree'].map((name) => `packages/tunnel-splice/test/${name}.test.ts`);
  run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
    ...options,
    LD_PRELOAD: runtime,
    TUNNEL_SPLICE_ADDON: addon,
  });
  for (const name of readdirSync(reports)) {
    for (const report of readFileSync(join(reports, name), 'utf8').split('==================')) {
      if (isOurs(report)) fail(`a race in the addon:\n${report}`);
    }
  }
}

/**
 * Whether one of the two accesses is made by the addon. A frame of it deeper down proves nothing: JavaScript is called from there, and V8
 * has its own threads.
 */
function isOurs(report) {
  const accesses = report.split('\n\n').filter((part) => /^ +(Previous )?(atomic )?(read|write) of size/im.test(part));
  return accesses.some((access) => {
    const frames = access.match(/^ +#\d+ .*$/gm) ?? [];
    return frames.find((frame) => !/\((libtsan|libstdc\+\+|libc)\.so/.test(frame))?.includes('tunnel_splice.node');
  });
}

function compile(target, args) {
  run('g++', ['-std=c++17', '-g', `-fsanitize=${sanitizer}`, '-pthread', '-o', target, ...args]);
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) fail(`${command} ${args[0]} failed: ${error?.message ?? `it ended with ${status}`}`);
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
