/**
 * The root file system of the image, in two layers: Debian's C library and Node.js, which rarely change, and the program. It has no shell
 * and no package manager.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DebianFile } from './debian-files.ts';
import { installedProgram, PROGRAM_FOLDER } from './installed-program.ts';
import { fetchNode } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { packaging, workshop } from './places.ts';
import type { Program } from './stage-program.ts';

export interface ImageContent {
  readonly program: Program;
  readonly architecture: Architecture;
  readonly debian: readonly DebianFile[];
  /** Further files for the folder of documents: name to text. */
  readonly documents: Readonly<Record<string, string>>;
}

/** The user id of the program. No system gives it to a user. */
export const IMAGE_USER = 65532;

/** The libraries of Node.js, the root certificates for checking parents, and the files that name the system. */
export const IMAGE_PACKAGES = [
  'base-files',
  'ca-certificates',
  'gcc-12-base',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
] as const;
/** The parts of these packages that a program needs: the libraries that it loads, certificates, licences. */
const LIBRARIES = 'c|m|dl|pthread|rt|resolv|util|anl|nss_files|nss_dns|gcc_s|stdc\\+\\+';
const KEPT = [
  new RegExp(`^/(?:usr/)?lib/[\\w-]+-linux-gnu/lib(?:${LIBRARIES})\\.so\\.[\\d.]+$`),
  /^\/(?:usr\/)?lib(?:64|\/[\w-]+-linux-gnu)?\/ld-linux[^/]*$/,
  /^\/usr\/lib\/os-release$/,
  /^\/usr\/share\/(?:ca-certificates\/.*\.crt|doc\/[^/]+\/copyright)$/,
];

/** Returns the folders of the layers, the lowest first. */
export function buildImageRoot({ program, architecture, debian, documents }: ImageContent): readonly string[] {
  const folder = join(workshop, `image-${architecture}`);
  rmSync(folder, { recursive: true, force: true });
  const [system, own] = [join(folder, 'system'), join(folder, 'program')];
  for (const each of debian) unpack(each, system);
  writeSystemFiles(system);
  installedProgram(program, architecture, join(own, PROGRAM_FOLDER));
  // The runtime belongs to the layer that rarely changes.
  move(join(own, PROGRAM_FOLDER, 'node'), join(system, PROGRAM_FOLDER, 'node'));
  place(join(own, PROGRAM_FOLDER, 'healthcheck.js'), readFileSync(join(packaging, 'image/healthcheck.js')));
  place(join(own, 'etc/sallyport/sallyport.yaml'), readFileSync(join(packaging, 'image/sallyport.yaml')));
  for (const name of ['LICENSE', 'THIRD-PARTY-LICENSES']) {
    place(join(own, 'usr/share/doc/sallyport', name), readFileSync(join(program.folder, name)));
  }
  place(join(own, 'usr/share/doc/sallyport/NODE-LICENSE'), readFileSync(fetchNode(architecture).license));
  for (const [name, text] of Object.entries(documents)) place(join(own, 'usr/share/doc/sallyport', name), text);
  return [system, own];
}

function unpack({ name, file, status }: DebianFile, to: string): void {
  const names = execFileSync('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -t', 'sh', file], {
    encoding: 'utf8',
  }).split('\n');
  const kept = names.filter((each) => KEPT.some((pattern) => pattern.test(each.replace(/^\./, ''))));
  mkdirSync(to, { recursive: true });
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" -T "$3"';
  const list = join(to, '..', `${name}.list`);
  writeFileSync(list, kept.join('\n'));
  if (kept.length > 0) execFileSync('sh', ['-c', script, 'sh', file, to, list]);
  place(join(to, 'var/lib/dpkg/status.d', name), status);
}

function writeSystemFiles(system: string): void {
  const texts: Readonly<Record<string, string>> = {
    'etc/passwd': `root:x:0:0:root:/root:/sbin/nologin\nsallyport:x:${IMAGE_USER}:${IMAGE_USER}:Sallyport:/:/sbin/nologin\n`,
    'etc/group': `root:x:0:\nsallyport:x:${IMAGE_USER}:\n`,
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/ssl/certs/ca-certificates.crt': certificates(join(system, 'usr/share/ca-certificates/mozilla')),
    'etc/os-release': readFileSync(join(system, 'usr/lib/os-release'), 'utf8'),
  };
  for (const [path, text] of Object.entries(texts)) place(join(system, path), text);
  rmSync(join(system, 'usr/share/ca-certificates'), { recursive: true });
}

/** One file of all certificates, as update-ca-certificates writes it. */
function certificates(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.crt'));
  return names
    .sort()
    .map((name) => `${readFileSync(join(folder, name), 'utf8').trimEnd()}\n`)
    .join('');
}

function move(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  rmSync(from);
}

function place(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
