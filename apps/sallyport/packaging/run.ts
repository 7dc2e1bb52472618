/**
 * `npm run package [-- npm|deb|image|all] [--arch x64|arm64]`: makes the packages for users, in `dist/`, from the present tree.
 *
 * The same commit gives the same bytes: every time in an artefact is that of the commit (SOURCE_DATE_EPOCH overrides it), names are
 * sorted, and the builder's user and umask have no effect. Debian's cross compilers build the native engine for each platform, unless it
 * was built already.
 */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildDebianPackage } from './debian.ts';
import { buildImage } from './image.ts';
import { buildNpmPackage } from './npm-package.ts';
import { readOptions, type Options } from './options.ts';
import { root } from './places.ts';
import { stageProgram } from './stage-program.ts';

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(options);
  process.exitCode = 2;
} else {
  for (const file of packageAll(options)) console.log(file);
}

function packageAll({ artefacts, architectures, out }: Options): readonly string[] {
  mkdirSync(out, { recursive: true });
  execFileSync(process.execPath, [join(root, 'packages/tunnel-splice/native/prebuild.js')], { stdio: 'inherit' });
  const program = stageProgram();
  const made: string[] = [];
  if (artefacts.has('npm')) made.push(buildNpmPackage(program, out));
  for (const architecture of architectures) {
    if (artefacts.has('deb')) made.push(buildDebianPackage(program, architecture, out));
    if (artefacts.has('image')) made.push(...buildImage(program, architecture, out));
  }
  return [...made, writeSums(out)];
}

/** Writes SHA256SUMS of all files there, for `sha256sum --check`. */
function writeSums(out: string): string {
  const file = join(out, 'SHA256SUMS');
  const names = readdirSync(out, { withFileTypes: true }).filter(
    (each) => each.isFile() && each.name !== basename(file),
  );
  const sums = names.map(
    ({ name }) =>
      `${createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex')}  ${name}\n`,
  );
  writeFileSync(file, sums.sort((a, b) => (a.slice(64) < b.slice(64) ? -1 : 1)).join(''));
  return file;
}
