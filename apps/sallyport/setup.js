/**
 * Prepares a clone for `npm start` and `npm test`: dependencies, then a build; each only when something has changed, or what it made is
 * gone.
 *
 * Plain JavaScript with Node.js alone, since it runs before anything is installed. pnpm comes through npx, in the version that
 * package.json pins, so that a machine needs only Node.js and npm.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stampFile = join(root, 'node_modules', '.sallyport-setup.json');

/** The inputs of a step as one hash of names, sizes and times: a few milliseconds for the whole tree. */
function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths.flatMap(listFiles)) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function listFiles(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => listFiles(join(path, name)));
}

/** The folders of all workspace packages. */
function members() {
  return ['packages', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)));
}

/** What the compiler writes last of each package. */
function builds() {
  return members().map((folder) => join(folder, 'dist', 'tsconfig.tsbuildinfo'));
}

/** What node-gyp looks for. Whoever installs a compiler later gets the native engine with the next start. */
const BUILD_TOOLS = ['python3', 'python', 'make', 'c++', 'g++', 'cc', 'gcc'];

function buildTools() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return BUILD_TOOLS.flatMap((tool) => folders.map((folder) => join(folder, tool)).find(existsSync) ?? []);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {}; // The first run, or a damaged stamp: every step has to run.
  }
}

function run(what, command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status === 0) return;
  console.error(
    `sallyport set-up: ${what} failed: ${result.error?.message ?? `${command} ended with ${result.status}`}`,
  );
  process.exit(1);
}

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const splice = join(root, 'packages', 'tunnel-splice');
const manifests = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml'].map((name) => join(root, name));
const steps = {
  install: {
    inputs: () => [...manifests, ...members().map((folder) => join(folder, 'package.json'))],
    outputs: () => members().map((folder) => join(folder, 'node_modules')),
    run: () => run('installing dependencies', 'npx', ['--yes', packageManager, 'install', '--frozen-lockfile']),
  },
  native: {
    inputs: () => [
      ...['native/src', 'native/binding.gyp', 'native/build.js'].map((name) => join(splice, name)),
      ...buildTools(),
    ],
    // The addon, or the reason why there is none.
    outputs: () => [join(splice, 'native', 'build')],
    // Never fails: without a compiler there is no native engine, and the portable one does the same work.
    run: () => run('the native engine', process.execPath, [join(splice, 'native', 'build.js')]),
  },
  build: {
    inputs: () => [
      join(root, 'tsconfig.base.json'),
      ...manifests,
      ...members().flatMap((folder) => [join(folder, 'src'), join(folder, 'tsconfig.json')]),
      ...['src', 'tsconfig.json'].map((name) => join(root, 'apps', 'sallyport', 'page', name)),
    ],
    outputs: () => [...builds(), join(root, 'apps', 'sallyport', 'page', 'dist', 'tsconfig.tsbuildinfo')],
    // The page depends on all else, which is built with it.
    run: () => run('the build', process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'apps/sallyport/page']),
  },
  bundle: {
    inputs: () => [join(root, 'apps', 'sallyport', 'bundle.js'), ...manifests, ...builds()],
    outputs: () => [join(root, 'apps', 'sallyport', 'dist', 'bundle', 'main.js')],
    run: () => run('the bundle', process.execPath, [join(root, 'apps', 'sallyport', 'bundle.js')]),
  },
};

const stamp = readStamp();
for (const [name, step] of Object.entries(steps)) {
  const now = fingerprint(step.inputs());
  if (stamp[name] === now && step.outputs().every(existsSync)) continue;
  step.run();
  stamp[name] = now;
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamp));
}
