/**
 * Builds the native transport with node-gyp, as a step of the project's build; never at install time.
 *
 * It is optional: where there is no compiler, Python or Node.js header, the reason is printed, kept in `build/reason.txt` for
 * the program to log, and this script still ends with 0: the portable transport does the same work.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const addon = join(folder, 'build', 'Release', 'tunnel_splice.node');
const reasonFile = join(folder, 'build', 'reason.txt');
/** A cold build takes 20 s of CPU on a small machine. The limit is for a download of headers that hangs. */
const TIMEOUT_MS = 300_000;

/** What node-gyp, make and the shell print where a program is missing. */
const MISSING = [
  /^make: (\S+): (?:No such file or directory|Command not found)$/,
  /^\/bin\/sh: (?:line )?\d+: (\S+): not found$/,
  /^gyp ERR! stack Error: not found: (\S+)$/,
  /^gyp ERR! find (Python)\b/,
];

/** What names the cause, in what a compiler or make prints. */
const TELLING = [/error: /, /not found: /, /not found$/, /^gyp ERR! stack Error: (?!`)/, /^make: \*\*\* /];

const reason = build();
if (reason === undefined) {
  rmSync(reasonFile, { force: true });
} else {
  mkdirSync(dirname(reasonFile), { recursive: true });
  writeFileSync(reasonFile, `${reason}\n`);
  console.error(`The native transport was not built (${reason}); the portable one does the same work.`);
}

/** Builds what is older than its sources. Returns the reason why there is no addon, if there is none. */
function build() {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`;
  if (isUpToDate()) return undefined;
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [nodeGyp, 'configure', 'build', '--jobs', 'max', '--directory', folder, ...headersFlag()],
    // Under `npm run --silent` it would not say what went wrong.
    { encoding: 'utf8', timeout: TIMEOUT_MS, env: { ...process.env, npm_config_loglevel: 'error' } },
  );
  if (status === 0) return undefined;
  return error?.message ?? whatWentWrong(`${stdout}\n${stderr}`);
}

function isUpToDate() {
  if (!existsSync(addon)) return false;
  const sources = ['binding.gyp', ...readdirSync(join(folder, 'src')).map((name) => join('src', name))];
  const newest = Math.max(...sources.map((name) => statSync(join(folder, name)).mtimeMs));
  return statSync(addon).mtimeMs > newest;
}

/** The headers of this Node.js, so that none are downloaded; without them node-gyp looks in its usual places. */
function headersFlag() {
  const candidates = [process.env.npm_config_nodedir, resolve(process.execPath, '..', '..')];
  const found = candidates.find((path) => path && existsSync(join(path, 'include', 'node', 'node_api.h')));
  return found === undefined ? [] : [`--nodedir=${found}`];
}

/** The cause, in the log of a build. */
function whatWentWrong(log) {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('gyp info'));
  const [missing] = lines.flatMap((line) => MISSING.flatMap((pattern) => pattern.exec(line)?.[1] ?? []));
  if (missing !== undefined) return `there is no ${missing}; it takes g++, make and Python 3`;
  const telling = TELLING.flatMap((pattern) => lines.find((line) => pattern.test(line)) ?? []);
  return telling[0]?.replace('gyp ERR! stack Error: ', '') ?? 'node-gyp failed';
}
