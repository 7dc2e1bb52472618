/** The program as in every package: one folder with the built program, its dependencies, its manuals and its configurations. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { completions } from './completions.ts';
import { readHelp } from './help.ts';
import { thirdPartyLicenses } from './licenses.ts';
import { manualPages } from './manual.ts';
import { root, workshop } from './places.ts';
import { readManifest, type Vendored, vendorTree } from './vendor.ts';

export interface Program {
  readonly folder: string;
  readonly version: string;
  /** The time of every file: that of the commit. */
  readonly epochSeconds: number;
  readonly commit: string;
  readonly vendored: readonly Vendored[];
}

/** The folder of the addons of all platforms in the program. */
export const PREBUILT = 'node_modules/@sallyport/tunnel-splice/native/prebuilt';

/** The README and all that it leads to: who has a package need not have a network. */
export const DOCUMENTS = [
  ...['README.md', 'POLICY.md', 'NETWORKING.md', 'OPERATING.md', 'CONFIGURATION.md', 'MIGRATING.md'],
  ...['TROUBLESHOOTING.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  'packages/telemetry/LOG.md',
] as const;

export function stageProgram(): Program {
  const folder = join(workshop, 'program');
  rmSync(folder, { recursive: true, force: true });
  const app = join(root, 'apps/sallyport');
  const { version } = readManifest(app);
  const epochSeconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? git('log', '-1', '--format=%ct'));
  const vendored = vendorTree(app, folder, version);
  cpSync(join(root, 'packages/tunnel-splice/native/build/prebuilt'), join(folder, PREBUILT), {
    recursive: true,
    filter: (path) => path.endsWith('prebuilt') || path.endsWith('.node'),
  });
  cpSync(join(root, 'configs'), join(folder, 'configs'), { recursive: true });
  for (const name of [...DOCUMENTS, 'LICENSE']) cpSync(join(root, name), join(folder, name));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), thirdPartyLicenses(vendored));
  describeToNpm(folder);
  const help = readHelp(folder);
  writeAll(join(folder, 'man'), manualPages(help, epochSeconds));
  writeAll(join(folder, 'completions'), completions(help));
  return { folder, version, epochSeconds, commit: git('rev-parse', 'HEAD'), vendored };
}

/** Adds to package.json what `vendorTree` does not write. */
function describeToNpm(folder: string): void {
  const file = join(folder, 'package.json');
  const { rest, dependencies } = readManifest(folder);
  const published = {
    ...rest,
    description: 'A guarded way out of a network for HTTPS: a forward proxy with a CONNECT door and an SNI door',
    bin: { sallyport: 'bin/sallyport.js' },
    man: ['man/sallyport.8', 'man/sallyport.yaml.5'],
    engines: { node: '>=20.19' },
    // All of them are in the tarball, each in the version that was tested.
    bundleDependencies: Object.keys(dependencies),
  };
  writeFileSync(file, `${JSON.stringify(published, undefined, 2)}\n`);
}

function writeAll(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}
