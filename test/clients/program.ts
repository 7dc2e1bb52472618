/** Runs a program as its user would, bounded, and returns all that it printed. */
import { spawn } from 'node:child_process';

interface Surroundings {
  /** Its home, so that no setting of this machine's user counts. */
  readonly folder: string;
  readonly proxy?: string | undefined;
  /** In place of /etc/hosts, for this program alone. */
  readonly hostsFile?: string;
}

const TIMEOUT_MS = 60_000;

/** Both outputs in the order they came; empty where the program does not exist. */
export async function runProgram(command: readonly string[], surroundings: Surroundings): Promise<string> {
  const [program = '', ...args] = steer(command, surroundings);
  const child = spawn(program, args, {
    cwd: surroundings.folder,
    env: environment(surroundings),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  return new Promise((resolve) => {
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(output));
  });
}

/** Programs that know no proxy are led to the transparent door by a hosts file of their own, in a mount namespace. */
function steer(command: readonly string[], { proxy, hostsFile }: Surroundings): readonly string[] {
  if (hostsFile === undefined || proxy !== undefined) return command;
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  return ['unshare', '--mount', '--map-root-user', 'sh', '-c', script, hostsFile, ...command];
}

function environment({ folder, proxy }: Surroundings): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/proxy|^npm_|^NODE_|^PIP_/iu.test(name));
  const proxies = proxy === undefined ? [] : ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];
  return {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(proxies.map((name) => [name, proxy])),
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    PIP_CONFIG_FILE: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    NO_UPDATE_NOTIFIER: '1',
  };
}
