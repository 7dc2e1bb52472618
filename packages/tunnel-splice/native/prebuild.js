/**
 * Builds the native transport for every platform of the npm package, with Debian's cross compilers: `build/prebuilt/TARGET.node`.
 *
 * Addons use plain N-API, so one serves every Node.js of a platform. It contains its C++ runtime and needs only glibc 2.28 or musl 1.2.
 * The same compiler and sources give the same bytes. Usage: prebuild.js [TARGET…]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const out = join(folder, 'build', 'prebuilt');
/** The newest glibc that an addon may need: that of Node.js 20. */
const NEWEST_GLIBC = '2.28';
const REMEDY = 'install g++, g++-aarch64-linux-gnu, musl-dev and musl-dev:arm64';

/** Compiler by processor, as Debian names them. */
const compilers = { x64: 'x86_64-linux-gnu-g++', arm64: 'aarch64-linux-gnu-g++' };
const targets = Object.keys(compilers).flatMap((arch) =>
  ['glibc', 'musl'].map((libc) => ({ name: `linux-${arch}-${libc}`, arch, libc, compiler: compilers[arch] })),
);

const asked = process.argv.slice(2);
for (const name of asked.filter((each) => !targets.some((target) => target.name === each)))
  fail(`no target is ${name}`);
mkdirSync(out, { recursive: true });
const chosen = targets.filter(({ name }) => asked.length === 0 || asked.includes(name));
for (const target of chosen.filter((each) => !isUpToDate(each))) await build(target);

function isUpToDate({ name }) {
  const addon = join(out, `${name}.node`);
  if (!existsSync(addon)) return false;
  const newest = Math.max(...[...sourceFiles(), fileURLToPath(import.meta.url)].map((path) => statSync(path).mtimeMs));
  return statSync(addon).mtimeMs > newest;
}

async function build(target) {
  const { name, compiler } = target;
  const objects = join(out, name);
  mkdirSync(objects, { recursive: true });
  const flags = compileFlags(target);
  const sources = sourceFiles().filter((path) => path.endsWith('.cc'));
  const compiled = sources.map((source) => ({ source, object: join(objects, `${basename(source, '.cc')}.o`) }));
  const waiting = [...compiled];
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop())
      await run(compiler, [...flags, '-c', next.source, '-o', next.object]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const addon = join(out, `${name}.node`);
  await run(compiler, [
    ...linkFlags(target),
    ...compiled.map(({ object }) => object),
    '-o',
    addon,
    ...runtimeOf(target),
  ]);
  rmSync(objects, { recursive: true });
  const tooNew = needsOf(target, addon).filter((version) => isNewer(version, NEWEST_GLIBC));
  if (tooNew.length > 0) fail(`${name} would need glibc ${tooNew.join(', ')}; see native/prebuilt-for/runtime.cc`);
}

function sourceFiles() {
  return ['src', 'prebuilt-for'].flatMap((name) =>
    readdirSync(join(folder, name))
      .sort()
      .map((file) => join(folder, name, file)),
  );
}

function compileFlags(target) {
  const { libc } = target;
  return [
    '-std=c++17',
    '-O3',
    '-fPIC',
    '-pthread',
    '-fno-omit-frame-pointer',
    '-fno-rtti',
    '-fno-exceptions',
    '-fvisibility=hidden',
    '-ffunction-sections',
    '-fdata-sections',
    `-ffile-prefix-map=${folder}=.`,
    '-DNAPI_VERSION=8',
    '-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED',
    '-DNODE_GYP_MODULE_NAME=tunnel_splice',
    ...(libc === 'musl' ? muslIncludes(target) : []),
    '-include',
    join(folder, 'prebuilt-for', `${libc}.h`),
    '-isystem',
    nodeHeaders(),
  ];
}

function linkFlags({ libc }) {
  const own = ['-shared', '-s', '-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-Wl,--build-id=none', '-Wl,-z,now'];
  return libc === 'musl' ? [...own, '-nodefaultlibs'] : [...own, '-static-libstdc++', '-static-libgcc'];
}

/** The C++ runtime and musl, named explicitly: the compiler's own choice would be glibc. */
function runtimeOf({ libc, compiler }) {
  if (libc !== 'musl') return [];
  const archives = ['libstdc++.a', 'libgcc_eh.a', 'libgcc.a'].map((name) =>
    ask(compiler, [`-print-file-name=${name}`]).trim(),
  );
  return [...archives, `-L/usr/lib/${compiler.replace('-gnu-g++', '')}-musl`, '-l:libc.so'];
}

/** The headers of the C++ library, then musl's in place of glibc's, then the compiler's and the kernel's. */
function muslIncludes({ arch, compiler }) {
  const triple = compiler.replace('-gnu-g++', '');
  const headers = `/usr/include/${triple}-musl`;
  if (!existsSync(headers))
    fail(`there are no headers of musl at ${headers}: install musl-dev:${arch === 'x64' ? 'amd64' : arch}`);
  const searched =
    /search starts here:\n( [^]*?)\nEnd of search/.exec(ask(compiler, ['-xc++', '-E', '-v', '/dev/null']))?.[1] ?? '';
  const ofCxx = searched
    .split('\n')
    .map((line) => resolve(line.trim()))
    .filter((path) => path.includes('/c++/'));
  const ofCompiler = ask(compiler, ['-print-file-name=include']).trim();
  const ordered = [...ofCxx, headers, ofCompiler, kernelHeaders(triple)];
  return ['-nostdinc', ...ordered.flatMap((path) => ['-isystem', path])];
}

/** The kernel's headers alone: /usr/include has glibc's beside them. */
function kernelHeaders(triple) {
  const links = join(out, `${triple}-kernel`);
  rmSync(links, { recursive: true, force: true });
  mkdirSync(links);
  const cross = `/usr/${triple}-gnu/include`;
  const base = existsSync(join(cross, 'linux')) ? cross : '/usr/include';
  const asm = [join(base, `${triple}-gnu`, 'asm'), join(base, 'asm')].find((path) => existsSync(path));
  if (!asm) fail(`there are no kernel headers below ${base}: install linux-libc-dev`);
  symlinkSync(join(base, 'linux'), join(links, 'linux'));
  symlinkSync(join(base, 'asm-generic'), join(links, 'asm-generic'));
  symlinkSync(asm, join(links, 'asm'));
  return links;
}

function nodeHeaders() {
  const candidates = [process.env.npm_config_nodedir, resolve(process.execPath, '..', '..')].filter(Boolean);
  const found = candidates
    .map((path) => join(path, 'include', 'node'))
    .find((path) => existsSync(join(path, 'node_api.h')));
  return (
    found ?? fail('there are no headers beside this Node.js: set npm_config_nodedir to a Node.js that has include/node')
  );
}

/** The versions of glibc that an addon needs. */
function needsOf({ libc }, addon) {
  const versions = readFileSync(addon, 'latin1').match(/GLIBC_[\d.]+(?=\0)/g) ?? [];
  if (libc === 'musl' && versions.length > 0) fail(`${addon} is for musl, and asks for glibc`);
  return versions.map((version) => version.slice('GLIBC_'.length));
}

function isNewer(version, limit) {
  return version.localeCompare(limit, 'en', { numeric: true }) > 0;
}

function ask(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0)
    fail(`${command}: ${error?.code === 'ENOENT' ? `not here; ${REMEDY}` : (error?.message ?? stderr)}`);
  return `${stdout}${stderr}`;
}

async function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  const [status] = await once(child, 'close').catch((cause) => fail(`${command}: ${cause.message}; ${REMEDY}`));
  if (status !== 0) fail(`${command} ended with ${status}`);
}

function fail(why) {
  console.error(`prebuild: ${why}`);
  process.exit(1);
}
