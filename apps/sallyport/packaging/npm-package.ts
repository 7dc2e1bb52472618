/** The npm package: one tarball that brings all it needs, so that an installation asks no registry and compiles nothing. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder } from './archive.ts';
import type { Program } from './stage-program.ts';

/** Returns the file, `sallyport-VERSION.tgz`. */
export function buildNpmPackage({ folder, version, epochSeconds }: Program, out: string): string {
  const file = join(out, `sallyport-${version}.tgz`);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>;
  const { dependencies = {} } = manifest as { readonly dependencies?: Readonly<Record<string, string>> };
  const published = {
    ...manifest,
    description:
      'A guarded way out of a network for HTTPS: a forward proxy with a CONNECT door and an SNI door, one policy behind both',
    bin: { sallyport: 'bin/sallyport.js' },
    man: ['man/sallyport.8', 'man/sallyport.yaml.5'],
    engines: { node: '>=20.19' },
    // All of them are in the tarball, each in the version that the tests ran with.
    bundleDependencies: Object.keys(dependencies),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
  packFolder({ folder, as: 'package', file, epochSeconds });
  return file;
}
