/** A root file system of its own for each artefact: Debian's smallest, with no compiler, Python, pnpm, Node.js or network in it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Root {
  /** Files laid here appear in the root, and what it writes appears here. */
  readonly changes: string;
  /** Runs a program in the root, without network, to its end. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Ran;
}

const RUN_TIMEOUT_MS = 240_000;
const TOOLS = ['debootstrap', 'unshare', 'ip', 'chroot', 'dpkg-deb', 'umoci', 'aarch64-linux-gnu-g++'] as const;

/** Why no root can be made here, if that is so. */
export function obstacle(): string | undefined {
  const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (missing.length > 0) return `${missing.join(', ')} is not installed`;
  if (!existsSync('/usr/include/aarch64-linux-musl')) return 'musl-dev:arm64 is not installed';
  if (process.getuid?.() !== 0) return 'only root can make a root file system';
  return spawnSync('unshare', ['--net', '--mount', 'true']).status === 0 ? undefined : 'unshare is refused';
}

/** Debian with what is essential to it: seconds of work, so once for all. */
export function bootstrap(folder: string): void {
  execFileSync('debootstrap', ['--variant=minbase', '--include=adduser,ca-certificates', 'bookworm', folder], {
    stdio: 'pipe',
  });
}

/** A root of its own on top of `base`, which stays as it is. */
export function openRoot(base: string): Root {
  const folder = mkdtempSync(join(base, '..', 'root-'));
  for (const name of ['changes', 'work', 'root']) mkdirSync(join(folder, name));
  const changes = join(folder, 'changes');
  const layers = `lowerdir=${base},upperdir=${changes},workdir=${join(folder, 'work')}`;
  const root = join(folder, 'root');
  const mounts = [`mount -t overlay overlay -o ${layers} ${root}`, `mount -t proc proc ${root}/proc`];
  return { changes, run: (command, env = {}) => runInRoot({ root, mounts, command, env }) };
}

interface RunOptions {
  readonly root: string;
  readonly mounts: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string;
}

/** As `chroot` does, in namespaces of its own: the network is a loopback device, on which anybody may bind any port. */
export function runInRoot({ root, mounts, command, env, user }: RunOptions): Ran {
  const network = ['ip link set lo up', 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'];
  const enter = `exec chroot ${user === undefined ? '' : `--userspec=${user}`} ${root} "$@"`;
  const script = ['set -e', ...network, ...mounts, enter].join('\n');
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { status, stdout, stderr } = spawnSync('unshare', [...namespaces, 'sh', '-c', script, 'sh', ...command], {
    encoding: 'utf8',
    timeout: RUN_TIMEOUT_MS,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      ...env,
    },
  });
  return { code: status, stdout, stderr };
}
