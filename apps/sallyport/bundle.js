/**
 * Writes `dist/bundle/`: what the compiler built of all packages, and the libraries that they import, in a file for each package and each
 * command. Node.js takes half a millisecond of CPU for each file that it loads: `check` reads 30 files in place of 370.
 *
 * Plain JavaScript, as it is a step of the set-up. What is required by a `createRequire` of our own stays where it is.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const app = dirname(fileURLToPath(import.meta.url));
const root = join(app, '..', '..');
const built = join(app, 'dist');
const bundled = join(built, 'bundle');

/** As `main.js` asks for them. */
const commands = readdirSync(join(built, 'commands'))
  .filter((name) => name.endsWith('.js'))
  .map((name) => `commands/${name.slice(0, -3)}`);

/** The workspace package that a file was built for, by its folder: `policy`, `sallyport`. Undefined for a library. */
function ownPackageOf(file) {
  return /^(?:packages|apps)\/([^/]+)\/dist\//.exec(relative(root, file))?.[1];
}

/** The package whose file it becomes part of, a library's too: `zod`. Null for the program itself, and for what the bundler adds. */
function packageOf(file) {
  const library = /^node_modules\/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(relative(root, file))?.[1];
  const own = ownPackageOf(file);
  return library ?? (own === 'sallyport' ? null : (own ?? null));
}

/** Where a file of our own is found from the program's folder, in a clone and in an installed package alike. */
function placeOf(file) {
  const [, name, ...path] = relative(root, file).split('/');
  return name === 'sallyport' ? file : join(app, 'node_modules/@sallyport', name, ...path);
}

/** Files that are opened beside a module are found by its own place, not by that of the file that it is bundled into. */
const places = {
  name: 'places of modules',
  transform(code, id) {
    if (ownPackageOf(id) === undefined || id === join(built, 'main.js')) return null;
    return code.replaceAll('import.meta.url', `PLACE_OF(${JSON.stringify(placeOf(id))})`);
  },
  renderChunk(code, { fileName }) {
    const from = dirname(join(bundled, fileName));
    return code.replaceAll(
      /PLACE_OF\((".*?")\)/g,
      (_, place) => `new URL(${JSON.stringify(relative(from, JSON.parse(place)))}, import.meta.url).href`,
    );
  },
};

/** From the bundle a library of one of our packages would not be found when the program runs. Those of a library itself may be optional. */
const nothingIsLeftOut = {
  name: 'nothing is left out',
  async resolveId(source, importer, options) {
    if (importer === undefined || ownPackageOf(importer) === undefined || isBuiltin(source)) return null;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    if (found === null || found.external) throw new Error(`${importer} imports ${source}, which is not found`);
    return found;
  },
};

const bundle = await rolldown({
  input: Object.fromEntries(['main', ...commands].map((name) => [name, join(built, `${name}.js`)])),
  platform: 'node',
  plugins: [nothingIsLeftOut, places],
  preserveEntrySignatures: 'allow-extension',
});
// Beside the last one, which programs may be starting from.
const fresh = `${bundled}.new`;
await bundle.write({
  dir: fresh,
  comments: false,
  entryFileNames: '[name].js',
  // Without a hash, and with names as they are in the sources: what a running program loads after an update is there, as any other file is.
  minifyInternalExports: false,
  chunkFileNames: ({ moduleIds }) => (moduleIds.some(packageOf) ? 'packages/[name].js' : 'shared/[name].js'),
  codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'packages', name: packageOf }] },
});
rmSync(bundled, { recursive: true, force: true });
renameSync(fresh, bundled);
