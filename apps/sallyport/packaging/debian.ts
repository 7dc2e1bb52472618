/**
 * The Debian package. It contains a Node.js of its own: Debian 12 and Ubuntu 24.04 have none that is new enough, upgrades for other
 * programs must not change the proxy's runtime, and an AppArmor profile needs an executable that only the proxy uses.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DEBIAN_NAMES } from './debian-files.ts';
import { installedProgram, PROGRAM_FOLDER } from './installed-program.ts';
import { fetchNode } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { packaging, root, workshop } from './places.ts';
import { DOCUMENTS, type Program } from './stage-program.ts';

const UNITS = ['sallyport.service', 'sallyport-explicit.socket', 'sallyport-transparent.socket'] as const;
/** Debian wants an address here, and the project has none: no mail to this domain ever arrives (RFC 2606 §2). SECURITY.md says how to reach somebody. */
const MAINTAINER = 'Sallyport maintainers <maintainers@sallyport.invalid>';
const SCRIPTS = ['postinst', 'prerm', 'postrm'] as const;

/** Returns the file, `sallyport_VERSION_amd64.deb`. */
export function buildDebianPackage(program: Program, architecture: Architecture, out: string): string {
  const tree = join(workshop, `debian-${architecture}`);
  rmSync(tree, { recursive: true, force: true });
  const put = (path: string, from: string, mode = 0o644): void => place(join(tree, path), from, mode);
  installedProgram(program, architecture, join(tree, PROGRAM_FOLDER));
  put('usr/bin/sallyport', join(packaging, 'debian/sallyport.sh'), 0o755);
  put('etc/sallyport/sallyport.yaml', join(root, 'configs/systemd/sallyport.yaml'));
  rewrite(join(tree, 'etc/sallyport/sallyport.yaml'), asCopied);
  put('etc/logrotate.d/sallyport', join(packaging, 'debian/logrotate'));
  put('etc/apparmor.d/sallyport', join(packaging, 'debian/apparmor'));
  put('usr/share/lintian/overrides/sallyport', join(packaging, 'debian/lintian-overrides'));
  put('usr/share/bash-completion/completions/sallyport', join(program.folder, 'completions/sallyport.bash'));
  put('usr/share/zsh/vendor-completions/_sallyport', join(program.folder, 'completions/_sallyport'));
  put('usr/share/fish/vendor_completions.d/sallyport.fish', join(program.folder, 'completions/sallyport.fish'));
  for (const unit of UNITS) put(`lib/systemd/system/${unit}`, join(root, 'configs/systemd', unit));
  rewrite(join(tree, 'lib/systemd/system/sallyport.service'), asInstalled);
  documents(program, architecture, tree);
  control(program, architecture, tree);
  return pack(program, architecture, { tree, out });
}

/** The unit of `configs/systemd`, with the paths of the package. */
function asInstalled(unit: string): string {
  return unit
    .replace(/^ExecStart=.* run /m, 'ExecStart=/usr/bin/sallyport run ')
    .replace(/^Documentation=.*$/m, 'Documentation=man:sallyport(8) man:sallyport.yaml(5)')
    .replace(/^UMask=.*$/m, '$&\nLogsDirectory=sallyport\nLogsDirectoryMode=2750');
}

/** The configuration of `configs/systemd`, where it tells to be copied to. */
function asCopied(yaml: string): string {
  return yaml
    .replace('$schema=../sallyport.schema.json', '$schema=/usr/share/doc/sallyport/configs/sallyport.schema.json')
    .replace(/ Copy it to \S+\.yaml\.$/m, '');
}

function documents(program: Program, architecture: Architecture, tree: string): void {
  const folder = join(tree, 'usr/share/doc/sallyport');
  place(join(folder, 'copyright'), join(packaging, 'debian/copyright'));
  writeFileSync(join(folder, 'changelog'), debianChangelog(program));
  for (const name of [...DOCUMENTS, 'THIRD-PARTY-LICENSES']) place(join(folder, name), join(program.folder, name));
  place(join(folder, 'NODE-LICENSE'), fetchNode(architecture).license);
  cpSync(join(root, 'configs'), join(folder, 'configs'), { recursive: true });
  place(join(tree, 'usr/share/man/man8/sallyport.8'), join(program.folder, 'man/sallyport.8'));
  place(join(tree, 'usr/share/man/man5/sallyport.yaml.5'), join(program.folder, 'man/sallyport.yaml.5'));
  const zipped = ['doc/sallyport/changelog', 'doc/sallyport/THIRD-PARTY-LICENSES'];
  const manuals = ['doc/sallyport/NODE-LICENSE', 'man/man8/sallyport.8', 'man/man5/sallyport.yaml.5'];
  for (const name of [...zipped, ...manuals]) execFileSync('gzip', ['-9nf', join(tree, 'usr/share', name)]);
}

/** apt reads this file. The changes are in CHANGELOG.md. */
function debianChangelog({ version, epochSeconds }: Program): string {
  const date = new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return `sallyport (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${MAINTAINER}  ${date}\n`;
}

function control({ version }: Program, architecture: Architecture, tree: string): void {
  const folder = join(tree, 'DEBIAN');
  for (const name of SCRIPTS) place(join(folder, name), join(packaging, 'debian', name), 0o755);
  const files = listFiles(tree).filter((name) => !name.startsWith('DEBIAN/'));
  const installedKib = files.reduce((sum, name) => sum + Math.ceil(statSync(join(tree, name)).size / 1024), 0);
  const template = readFileSync(join(packaging, 'debian/control'), 'utf8');
  const facts: Readonly<Record<string, string>> = {
    VERSION: version,
    MAINTAINER,
    ARCHITECTURE: DEBIAN_NAMES[architecture],
    SIZE: String(installedKib),
  };
  writeFileSync(
    join(folder, 'control'),
    template.replace(/@([A-Z]+)@/g, (_, name: string) => facts[name] ?? ''),
  );
  writeFileSync(
    join(folder, 'conffiles'),
    files
      .filter((name) => name.startsWith('etc/'))
      .map((name) => `/${name}\n`)
      .join(''),
  );
  const sums = files.filter((name) => !name.startsWith('etc/')).map((name) => `${md5(join(tree, name))}  ${name}\n`);
  writeFileSync(join(folder, 'md5sums'), sums.join(''));
}

function pack(
  program: Program,
  architecture: Architecture,
  { tree, out }: { readonly tree: string; readonly out: string },
): string {
  const file = join(out, `sallyport_${program.version}_${DEBIAN_NAMES[architecture]}.deb`);
  execFileSync('chmod', ['-R', 'u+rwX,go+rX,go-w', tree]);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', tree, file], {
    // Later times are set to this one.
    env: { ...process.env, SOURCE_DATE_EPOCH: String(program.epochSeconds) },
    stdio: 'pipe',
  });
  return file;
}

function place(path: string, from: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(from, path);
  chmodSync(path, mode);
}

function rewrite(path: string, change: (text: string) => string): void {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .sort();
}

function md5(path: string): string {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}
