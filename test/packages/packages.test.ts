/** Every artefact as a new user meets it: in a root file system with no compiler, Python, pnpm or network. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { bootstrap, obstacle, openRoot, type Ran, type Root } from './root.ts';

const run = fileURLToPath(new URL('../../apps/sallyport/packaging/build/run.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sallyport-packages-'));
/** Every artefact, and all of them once more; the root file system below every other one. */
const made = { artefacts: join(folder, 'a'), again: join(folder, 'b'), base: join(folder, 'base') };
const why = obstacle();
if (why !== undefined) console.warn(`SKIPPED: no package is made and tried here: ${why}`);

const { version } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../apps/sallyport/package.json', import.meta.url)), 'utf8'),
) as { readonly version: string };
const MIB = 1024 * 1024;
const HEARD = 'heard: hello';

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(why !== undefined)('what users install', () => {
  beforeAll(() => {
    for (const out of [made.artefacts, made.again]) {
      execFileSync(process.execPath, [run, 'all', '--arch', 'x64', '--out', out], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    }
    bootstrap(made.base);
  }, 400_000);

  it('is the same to the bit when it is made again', () => {
    const sums = readFileSync(join(made.artefacts, 'SHA256SUMS'), 'utf8');
    expect(readFileSync(join(made.again, 'SHA256SUMS'), 'utf8')).toBe(sums);
    const names = readdirSync(made.artefacts).filter((name) => name !== 'SHA256SUMS');
    expect(sums.match(/\S+$/gm)).toEqual(names.sort());
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: made.artefacts, stdio: 'pipe' });
  });

  describe('the npm package', () => {
    const tarball = `sallyport-${version}.tgz`;
    let root: Root;

    beforeAll(() => {
      root = openRoot(made.base);
      giveNode(root);
      layOrigin(root);
      copyFileSync(join(made.artefacts, tarball), join(root.changes, tarball));
    });

    it('is small, and brings the native engine for every platform', () => {
      expect(statSync(join(made.artefacts, tarball)).size).toBeLessThan(8 * MIB);
      const names = execFileSync('tar', ['-tzf', join(made.artefacts, tarball)], { encoding: 'utf8' });
      expect(names.match(/linux-.*\.node$/gm)).toEqual(
        ['arm64-glibc', 'arm64-musl', 'x64-glibc', 'x64-musl'].map((platform) => `linux-${platform}.node`),
      );
    });

    it('is installed without a network, runs no script, and serves through both doors on the native engine', () => {
      expect(installed(root.run(['npm', 'install', '--global', `/${tarball}`]))).toBe(0);
      const { stdout } = root.run(['sallyport', '--version', '--verbose']);
      expect(stdout).toContain(`sallyport ${version}\n`);
      expect(stdout).toMatch(/^native {4}linux-x64-glibc \(\/.*\/prebuilt\/linux-x64-glibc\.node\)$/m);
      const seen = tryIt(root, ['sallyport', 'run', '--config', '/try/sallyport.yaml']);
      expect(seen).toMatchObject({ explicit: HEARD, transparent: HEARD, reload: 403, end: 0 });
      expect(seen['build']).toContain('engine="native",binary="linux-x64-glibc"');
    });

    it('serves on the portable engine where no binary fits', () => {
      const addon = join(
        root.changes,
        'usr/local/lib/node_modules/sallyport/node_modules/@sallyport/tunnel-splice/native',
      );
      const { stdout } = root.run([
        'sh',
        '-c',
        `rm ${addon.slice(root.changes.length)}/prebuilt/linux-x64-glibc.node; sallyport --version --verbose`,
      ]);
      expect(stdout).toMatch(/^native {4}none: this package brings none for linux-x64-glibc$/m);
      const seen = tryIt(root, ['sallyport', 'run', '--config', '/try/sallyport.yaml']);
      expect(seen).toMatchObject({ explicit: HEARD, transparent: HEARD, reload: 403, end: 0 });
      expect(seen['build']).toContain('engine="portable",binary="none"');
    });

    it('is run by npx straight from the file', () => {
      const config = '/usr/local/lib/node_modules/sallyport/configs/default.yaml';
      const ran = root.run(['npx', '--yes', '--package', `/${tarball}`, 'sallyport', 'check', '--config', config]);
      expect(ran.stdout).toContain(`${config}: ok`);
    });
  });

  describe('the Debian package', () => {
    const deb = `sallyport_${version}_amd64.deb`;
    let root: Root;

    beforeAll(() => {
      root = openRoot(made.base);
      layOrigin(root);
      copyFileSync(join(made.artefacts, deb), join(root.changes, deb));
    });

    it.skipIf(spawnSync('which', ['lintian']).status !== 0)('has no error that lintian knows', () => {
      const { stdout } = spawnSync('lintian', ['--fail-on', 'error', '--allow-root', join(made.artefacts, deb)], {
        encoding: 'utf8',
      });
      expect(stdout.match(/^E: .*$/gm)).toBeNull();
    });

    it('is installed, and what its unit runs serves through both doors, as a user of its own', () => {
      expect(dpkg(root, '--install', `/${deb}`)).toBe(0);
      expect(root.run(['sallyport', 'check', '--config', '/etc/sallyport/sallyport.yaml']).code).toBe(0);
      expect(root.run(['stat', '-c', '%U:%G %a', '/etc/sallyport/sallyport.yaml']).stdout).toBe('root:sallyport 640\n');
      const unit = root.run(['cat', '/lib/systemd/system/sallyport.service']).stdout;
      const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
      const rights = [
        'setpriv',
        '--reuid=sallyport',
        '--regid=sallyport',
        '--clear-groups',
        '--no-new-privs',
        '--bounding-set=-all',
      ];
      const seen = tryIt(root, [...rights, ...command], '/etc/sallyport/sallyport.yaml');
      expect(seen).toMatchObject({ explicit: HEARD, transparent: HEARD, reload: 403, end: 0 });
      expect(seen['build']).toContain('engine="native",binary="linux-x64-glibc"');
    });

    it('keeps a changed configuration over an upgrade and a removal, and takes it away when purged', () => {
      const newer = newerPackage(root, deb);
      expect(dpkg(root, '--force-confdef', '--install', newer)).toBe(0);
      expect(root.run(['sallyport', '--version']).stdout).toBe(`sallyport ${version}\n`);
      const configuration = ['cat', '/etc/sallyport/sallyport.yaml'];
      expect(root.run(configuration).stdout).toContain('origin.test');
      expect(root.run(['ls', '/etc/sallyport']).stdout).not.toContain('dpkg-new');
      expect(dpkg(root, '--remove', 'sallyport')).toBe(0);
      expect(root.run(configuration).stdout).toContain('origin.test');
      expect(dpkg(root, '--purge', 'sallyport')).toBe(0);
      const left = root.run([
        'sh',
        '-c',
        'ls -d /etc/sallyport /usr/lib/sallyport /var/log/sallyport; getent passwd sallyport',
      ]);
      expect(left.stdout).toBe('');
    });
  });
});

/** The same package under a later version, with another configuration in it. */
function newerPackage(root: Root, deb: string): string {
  const tree = join(root.changes, 'newer');
  execFileSync('dpkg-deb', ['--raw-extract', join(root.changes, deb), tree]);
  const rewrite = (name: string, change: (text: string) => string): void =>
    writeFileSync(join(tree, name), change(readFileSync(join(tree, name), 'utf8')));
  rewrite('DEBIAN/control', (text) => text.replace(/^Version: .*$/m, '$&+1'));
  rewrite('etc/sallyport/sallyport.yaml', (text) => `${text}# Newer.\n`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, join(root.changes, 'newer.deb')], {
    stdio: 'pipe',
  });
  return '/newer.deb';
}

function dpkg(root: Root, ...args: readonly string[]): number | null {
  return installed(root.run(['dpkg', ...args], { DEBIAN_FRONTEND: 'noninteractive' }));
}

function installed({ code, stdout, stderr }: Ran): number | null {
  if (code !== 0) console.error(stdout, stderr);
  return code;
}

function tryIt(
  root: Root,
  program: readonly string[],
  config = '/try/sallyport.yaml',
): Readonly<Record<string, unknown>> {
  const node = root.run(['test', '-x', '/usr/local/bin/node']).code === 0 ? 'node' : '/usr/lib/sallyport/node';
  const { stdout, stderr } = root.run([node, '/try/try-it.js', '/try', config, ...program]);
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** What `try-it.js` needs: itself, and a certificate for the server that it starts. */
function layOrigin(root: Root): void {
  const folder = join(root.changes, 'try');
  mkdirSync(folder);
  copyFileSync(fileURLToPath(new URL('try-it.js', import.meta.url)), join(folder, 'try-it.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const { cert, key } = makeCertificates(['origin.test']);
  writeFileSync(join(folder, 'origin.crt'), cert);
  writeFileSync(join(folder, 'origin.key'), key);
}

/** Node.js and npm, as their users have them: nothing else of this machine. */
function giveNode(root: Root): void {
  mkdirSync(join(root.changes, 'usr/local/bin'), { recursive: true });
  copyFileSync(process.execPath, join(root.changes, 'usr/local/bin/node'));
  const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  cpSync(join(modules, 'npm'), join(root.changes, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    const script = `#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/${name}-cli.js "$@"\n`;
    writeFileSync(join(root.changes, 'usr/local/bin', name), script, { mode: 0o755 });
  }
}
