/** Every artefact as a new user meets it: in a root file system with no compiler, Python, pnpm or network. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ImageConfig, openImage, readImageConfig, readJson } from './image.ts';
import { bootstrap, obstacle, openRoot, type Ran, type Root } from './root.ts';
import { giveNode, layOrigin, tryIt } from './try-it.ts';

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
const CONFIG = '/try/sallyport.yaml';
/** What `try-it.js` saw, where everything works. */
const ALL_WELL = {
  starters: ['agents', 'ci', 'gateway', 'office'],
  explicit: 'heard: hello',
  transparent: 'heard: hello',
  page: 200,
  reload: 403,
  end: 0,
};

const EMULATOR = spawnSync('which', ['qemu-aarch64-static']).stdout.toString().trim();
const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';
/** How each platform's loader is run here; it tells what it does not find. */
const LOADERS = [
  { platform: 'x64-glibc', command: ['/lib64/ld-linux-x86-64.so.2'] },
  { platform: 'x64-musl', command: ['/lib/ld-musl-x86_64.so.1', '--list'] },
  {
    platform: 'arm64-glibc',
    command: [EMULATOR, '-L', ARM64_LIBRARIES, `${ARM64_LIBRARIES}/lib/ld-linux-aarch64.so.1`],
  },
  { platform: 'arm64-musl', command: [EMULATOR, '/lib/ld-musl-aarch64.so.1', '--list'] },
].filter(({ command }) => command[0] !== '');
if (why === undefined && EMULATOR === '')
  console.warn('SKIPPED: no addon for arm64 is loaded here, for there is no qemu-user-static');

/** The links to documents, in those of a folder and below its `configs`, that lead to no file there. */
function lostDocuments(tree: string): readonly string[] {
  const names = readdirSync(tree, { recursive: true, encoding: 'utf8' });
  const documents = names.filter((name) => /^(?:configs\/.*|packages\/.*|[^/]*)\.md$/.test(name));
  expect(documents).toContain('README.md');
  return documents.flatMap((name) => {
    const text = readFileSync(join(tree, name), 'utf8');
    const links = [...text.matchAll(/\]\((?![a-z]+:)([^)#\s]+\.md)/g)].map(([, link = '']) =>
      join(dirname(name), link),
    );
    return links.filter((link) => !existsSync(join(tree, link))).map((link) => `${name}: ${link}`);
  });
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(why !== undefined)('what users install', () => {
  beforeAll(() => {
    for (const out of [made.artefacts, made.again]) {
      execFileSync(process.execPath, [run, 'all', '--arch', 'x64', '--out', out], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    }
    bootstrap(made.base);
  }, 1_200_000);

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

    it('has each document that another one of it leads to', () => {
      const tree = join(folder, 'npm');
      mkdirSync(tree, { recursive: true });
      execFileSync('tar', ['-xzf', join(made.artefacts, tarball), '--strip-components=1', '-C', tree]);
      expect(lostDocuments(tree)).toEqual([]);
    });

    it.each(LOADERS)(
      'has an addon for $platform that its own loader takes, where Node.js brings the rest',
      (loader) => {
        const { platform, command } = loader;
        const addons = join(folder, 'addons');
        mkdirSync(addons, { recursive: true });
        const flags = ['--strip-components=6', '--wildcards', '-C', addons, '*/prebuilt/*.node'];
        execFileSync('tar', ['-xzf', join(made.artefacts, tarball), ...flags]);
        const [program = '', ...args] = command;
        const env = { ...process.env, LD_TRACE_LOADED_OBJECTS: '1', LD_WARN: 'yes', LD_BIND_NOW: 'yes' };
        const { stdout, stderr } = spawnSync(program, [...args, join(addons, `linux-${platform}.node`)], {
          encoding: 'utf8',
          env,
        });
        const told = `${stdout}${stderr}`.split('\n').filter((line) => /not found|undefined/.test(line));
        expect(told.length).toBeGreaterThan(0);
        expect(told.filter((line) => !/\b(?:napi|uv)_/.test(line))).toEqual([]);
      },
    );

    it('is installed without a network, runs no script, and serves through both doors on the native engine', () => {
      expect(installed(root.run(['npm', 'install', '--global', `/${tarball}`]))).toBe(0);
      const { stdout } = root.run(['sallyport', '--version', '--verbose']);
      expect(stdout).toContain(`sallyport ${version}\n`);
      expect(stdout).toMatch(/^native {4}linux-x64-glibc \(\/.*\/prebuilt\/linux-x64-glibc\.node\)$/m);
      const seen = tryIt(root, ['sallyport', 'run', '--config', CONFIG], { config: CONFIG });
      expect(seen).toMatchObject(ALL_WELL);
      expect(seen['binary']).toBe('linux-x64-glibc');
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
      const seen = tryIt(root, ['sallyport', 'run', '--config', CONFIG], { config: CONFIG });
      expect(seen).toMatchObject(ALL_WELL);
      expect(seen['binary']).toBe('none');
    });

    it('is run by npx straight from the file', () => {
      const config = '/usr/local/lib/node_modules/sallyport/configs/default.yaml';
      const ran = root.run(['npx', '--yes', '--package', `/${tarball}`, 'sallyport', 'check', '--config', config]);
      expect(ran.stdout).toContain(`${config}: ok`);
    });
  });

  describe('the image', () => {
    const name = `sallyport-${version}-oci-amd64`;
    const bundle = join(folder, 'bundle');
    let config: ImageConfig;

    beforeAll(() => {
      const layout = join(folder, 'layout');
      mkdirSync(layout);
      execFileSync('tar', ['-xf', join(made.artefacts, `${name}.tar`), '-C', layout]);
      execFileSync('umoci', ['unpack', '--image', `${layout}:${version}`, bundle], { stdio: 'pipe' });
      config = readImageConfig(layout);
    });

    it('is small, runs as nobody in particular, and says how it is used', () => {
      const kib = Number(/^\d+/.exec(execFileSync('du', ['-sk', '--apparent-size', bundle], { encoding: 'utf8' })));
      expect(kib / 1024).toBeLessThan(120);
      expect(config.User).toBe('65532:65532');
      expect(Object.keys(config.ExposedPorts).sort()).toEqual(['3128/tcp', '443/tcp', '9128/tcp']);
      expect(config.Labels).toMatchObject({ 'org.opencontainers.image.version': version });
      expect(config.Healthcheck.Test[0]).toBe('CMD');
    });

    it('lists what is in it, and what it was made of', () => {
      const bill = readJson(join(made.artefacts, `${name}.sbom.cdx.json`)) as {
        readonly components: { readonly name: string }[];
      };
      expect(bill.components.map((each) => each.name)).toEqual(
        expect.arrayContaining(['node', 'libc6', 'zod', 'pino', 'policy']),
      );
      const archive = execFileSync('sha256sum', [join(made.artefacts, `${name}.tar`)], { encoding: 'utf8' }).slice(
        0,
        64,
      );
      expect(readJson(join(made.artefacts, `${name}.provenance.json`))).toMatchObject({
        subject: [{ digest: { sha256: archive } }],
      });
    });

    it.skipIf(isMissing('skopeo'))(
      'is taken as a layout of OCI, and by the Docker of Debian, with its health check',
      () => {
        const ask = (...args: readonly string[]): string =>
          execFileSync('skopeo', ['inspect', ...args], { encoding: 'utf8', stdio: 'pipe' });
        const archive = join(made.artefacts, `${name}.tar`);
        expect(ask(`oci-archive:${archive}:${version}`)).toContain('"Architecture": "amd64"');
        const forDocker = JSON.parse(
          ask('--raw', '--config', `docker-archive:${archive}:sallyport:${version}`),
        ) as unknown;
        expect(forDocker).toMatchObject({ config: { User: config.User, Healthcheck: config.Healthcheck } });
      },
    );

    it('serves through both doors from a root that nothing can write to, and is told healthy', () => {
      const root = openImage(join(bundle, 'rootfs'), folder, config.User);
      layOrigin(root);
      const [, healthcheck = ''] = config.Healthcheck.Test.slice(1);
      const seen = tryIt(root, [...config.Entrypoint, ...config.Cmd], { config: config.Cmd[2] ?? '', healthcheck });
      expect(seen).toMatchObject({ ...ALL_WELL, health: 0 });
      expect(seen['binary']).toBe('linux-x64-glibc');
      expect(
        root.run([config.Entrypoint[0] ?? '', '-e', 'fs.writeFileSync("/usr/lib/sallyport/x", "")']).stderr,
      ).toContain('EROFS');
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

    it.skipIf(isMissing('lintian'))('has no error that lintian knows', () => {
      const { stdout } = spawnSync('lintian', ['--fail-on', 'error', '--allow-root', join(made.artefacts, deb)], {
        encoding: 'utf8',
      });
      expect(stdout.match(/^E: .*$/gm)).toBeNull();
    });

    it('has each document that another one of it leads to, and the schema that its configuration names', () => {
      const tree = join(folder, 'deb-documents');
      execFileSync('dpkg-deb', ['--extract', join(made.artefacts, deb), tree]);
      expect(lostDocuments(join(tree, 'usr/share/doc/sallyport'))).toEqual([]);
      const config = readFileSync(join(tree, 'etc/sallyport/sallyport.yaml'), 'utf8');
      const [, schema = 'none'] = /\$schema=(\S+)/.exec(config) ?? [];
      expect(existsSync(join(tree, schema)), schema).toBe(true);
      expect(config).not.toContain('Copy it to');
    });

    it.skipIf(isMissing('apparmor_parser'))('has an AppArmor profile that compiles', () => {
      const tree = join(folder, 'deb');
      execFileSync('dpkg-deb', ['--extract', join(made.artefacts, deb), tree]);
      const profile = join(tree, 'etc/apparmor.d/sallyport');
      const { status, stderr } = spawnSync('apparmor_parser', ['--skip-kernel-load', '--skip-cache', profile], {
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
    });

    it('is installed, and what its unit runs serves through both doors, as a user of its own', () => {
      expect(dpkg(root, '--install', `/${deb}`)).toBe(0);
      expect(root.run(['sallyport', 'check', '--config', '/etc/sallyport/sallyport.yaml']).code).toBe(0);
      expect(root.run(['stat', '-c', '%U:%G %a', '/etc/sallyport/sallyport.yaml']).stdout).toBe('root:sallyport 640\n');
      const unit = root.run(['cat', '/lib/systemd/system/sallyport.service']).stdout;
      const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
      // A minimal system lacks more than a developer's: /bin/kill, for one.
      const programs = [...unit.matchAll(/^Exec\w+=(\S+)/gm)].map(([, program = '']) => program);
      expect(programs.filter((program) => root.run(['test', '-x', program]).code !== 0)).toEqual([]);
      const rights = [
        'setpriv',
        '--reuid=sallyport',
        '--regid=sallyport',
        '--clear-groups',
        '--no-new-privs',
        '--bounding-set=-all',
      ];
      const seen = tryIt(root, [...rights, ...command], { config: '/etc/sallyport/sallyport.yaml' });
      expect(seen).toMatchObject(ALL_WELL);
      expect(seen['binary']).toBe('linux-x64-glibc');
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

/** Whoever asks skips; `.ci/run` installs them all. */
function isMissing(tool: string): boolean {
  const missing = spawnSync('which', [tool]).status !== 0;
  if (missing && why === undefined)
    console.warn(`SKIPPED: nothing is tried with ${tool} here, for it is not installed`);
  return missing;
}

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
