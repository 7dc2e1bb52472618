/** Debian packages, unpacked and not installed, for the system files of the image. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './options.ts';
import { workshop } from './places.ts';

export interface DebianFile {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  /** Its entry for `/var/lib/dpkg/status.d`, where scanners look for it. */
  readonly status: string;
}

export const DEBIAN_NAMES: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Downloads packages from the mirror of this machine, also for another processor, and leaves the state of apt unchanged. */
export function downloadDebian(names: readonly string[], architecture: Architecture): readonly DebianFile[] {
  const debian = DEBIAN_NAMES[architecture];
  const folder = join(workshop, '..', 'downloads', `debian-${debian}`);
  const lists = join(folder, 'lists');
  for (const each of [join(lists, 'partial'), join(folder, 'cache/archives/partial')])
    mkdirSync(each, { recursive: true });
  const isThere = (name: string): boolean => readdirSync(folder).some((file) => file.startsWith(`${name}_`));
  if (!names.every(isThere)) {
    const options = {
      'APT::Architecture': debian,
      'APT::Architectures': debian,
      'APT::Sandbox::User': 'root',
      'Dir::State::Lists': lists,
      'Dir::State::status': '/dev/null',
      'Dir::Cache': join(folder, 'cache'),
    };
    const flags = ['-qq', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
    execFileSync('apt-get', [...flags, 'update'], { cwd: folder, stdio: 'pipe' });
    execFileSync('apt-get', [...flags, 'download', ...names], { cwd: folder, stdio: 'pipe' });
  }
  return names.map((name) => describe(name, folder));
}

function describe(name: string, folder: string): DebianFile {
  const found = readdirSync(folder).find((each) => each.startsWith(`${name}_`));
  if (found === undefined) throw new Error(`${name} was not downloaded`);
  const file = join(folder, found);
  const status = execFileSync('dpkg-deb', ['--field', file], { encoding: 'utf8' });
  const version = /^Version: (.*)$/m.exec(status)?.[1] ?? '';
  return { name, version, file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex'), status };
}
