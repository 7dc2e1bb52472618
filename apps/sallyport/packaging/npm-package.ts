/** The npm package: one tarball with all that it needs, so that its installation asks no registry and compiles nothing. */
import { join } from 'node:path';
import { packFolder } from './archive.ts';
import type { Program } from './stage-program.ts';

/** Returns the file, `sallyport-VERSION.tgz`. */
export function buildNpmPackage({ folder, version, epochSeconds }: Program, out: string): string {
  const file = join(out, `sallyport-${version}.tgz`);
  packFolder({ folder, as: 'package', file, epochSeconds });
  return file;
}
