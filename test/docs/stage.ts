/**
 * A small network in which the commands of the documents run as they stand: every port is free, names lead to a public
 * address with an HTTPS origin, whose authority all programs trust. It ends with this process, and leaves nothing behind.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { BINARY } from '../e2e/harness/sallyport.ts';
import { root } from './documents.ts';

export interface Stage {
  /** Where the commands run: what they need of the checkout is there, and what they write stays there. */
  readonly folder: string;
  run(command: string): Promise<Ended>;
  /** Starts a proxy in place of the one before, and resolves once it is ready. */
  serve(command: string): Promise<void>;
  close(): Promise<void>;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Any address that is not special, on its own side of a link. */
const ORIGIN = '93.184.215.14';

/** A namespace for the network, and one for the files below /etc that are replaced. */
const APART = ['--net', '--mount'];

/** Why there can be no stage here, or undefined where there can. */
export function whyNoStage(): string | undefined {
  try {
    for (const program of ['curl', 'ip', 'iptables', 'nsenter']) execFileSync('which', [program], { stdio: 'pipe' });
    execFileSync('unshare', [...APART, 'mount', '-t', 'tmpfs', 'none', '/etc/ssl/certs'], { stdio: 'pipe' });
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** @param names that lead to the origin */
export async function openStage(names: readonly string[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-docs-'));
  for (const name of ['apps', 'configs', 'node_modules', 'package.json'])
    symlinkSync(join(root, name), join(folder, name));
  layFiles(folder, names);
  const inside = await openInside(folder);
  const origin = await openOrigin(folder, inside);
  const enter = entering(inside);
  let proxy: ChildProcess | undefined;
  const stopProxy = async (): Promise<void> => {
    if (proxy?.pid === undefined || proxy.exitCode !== null) return;
    process.kill(-proxy.pid, 'SIGTERM');
    await once(proxy, 'close');
  };
  const shell = (command: string): ChildProcess => {
    const [program, ...args] = [...enter, `--wd=${folder}`, 'sh', '-c', command];
    return spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(folder),
    });
  };
  return {
    folder,
    run: (command) => untilEnded(shell(command)),
    serve: async (command) => {
      await stopProxy();
      proxy = shell(command);
      await untilReady(proxy);
    },
    close: async () => {
      await stopProxy();
      origin.disconnect();
      inside.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

/** The set-up that `npm start` begins with was done ahead of the tests, and here is no network to do it over. */
function environment(folder: string): NodeJS.ProcessEnv {
  const path = `${folder}/bin:${process.env['PATH'] ?? ''}`;
  return { ...process.env, PATH: path, npm_config_ignore_scripts: 'true', CURL_HOME: folder };
}

function layFiles(folder: string, names: readonly string[]): void {
  const certificates = makeCertificates([...names, 'proxy']);
  const ofClient = makeCertificates(['ci']);
  const files = {
    hosts: `127.0.0.1 localhost proxy\n${ORIGIN} ${names.join(' ')}\n`,
    'resolv.conf': 'nameserver 127.0.0.1\n',
    // An answer that is an error fails the command.
    '.curlrc': 'fail\n',
    'proxy.crt': certificates.cert,
    'proxy.key': certificates.key,
    'ci.crt': ofClient.cert,
    'ci.key': ofClient.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  symlinkSync(certificates.caFile, join(folder, 'ca.crt'));
  symlinkSync(ofClient.caFile, join(folder, 'clients-ca.crt'));
  // npx finds the same program, half a second later.
  mkdirSync(join(folder, 'bin'));
  const npx = `#!/bin/sh\n[ "$1" = sallyport ] && shift && exec ${process.execPath} ${BINARY} "$@"\nexit 1\n`;
  writeFileSync(join(folder, 'bin', 'npx'), npx, { mode: 0o755 });
}

/** A process that holds the namespaces until its input ends, as it does with this process. */
async function openInside(folder: string): Promise<ChildProcess> {
  const script = `set -e
    mount --bind ${folder}/hosts /etc/hosts
    mount --bind ${folder}/resolv.conf /etc/resolv.conf
    mount -t tmpfs none /etc/ssl/certs
    cp ${folder}/ca.crt /etc/ssl/certs/ca-certificates.crt
    ip link set lo up
    echo ready
    exec cat`;
  const inside = spawn('unshare', [...APART, 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(inside.stdout, 'data');
  return inside;
}

/** The origin has a network of its own: its address is none of the proxy's. */
async function openOrigin(folder: string, inside: ChildProcess): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('../e2e/intercept/origin.js', import.meta.url));
  const words = ['--net', process.execPath, script, join(folder, 'proxy.crt'), join(folder, 'proxy.key')];
  const origin = spawn('unshare', words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(origin, 'message');
  const outside = entering(origin).join(' ');
  const link = `set -e
    ip link add eth0 type veth peer name eth0 netns ${String(origin.pid)}
    ip addr add 10.79.0.2/24 dev eth0; ip link set eth0 up
    ${outside} ip addr add 10.79.0.1/24 dev eth0
    ${outside} ip addr add ${ORIGIN}/32 dev eth0
    ${outside} ip link set eth0 up
    ip route add default via 10.79.0.1`;
  const [program, ...args] = [...entering(inside), 'sh', '-c', link];
  execFileSync(program, args, { stdio: 'pipe' });
  return origin;
}

/** The words ahead of a command that runs where another process is. */
function entering({ pid }: ChildProcess): readonly [string, ...string[]] {
  return ['nsenter', '--target', String(pid), ...APART];
}

async function untilEnded(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Rejects with all that was printed where the program ends before it serves. */
function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (printed.includes('"msg":"ready"')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', () => reject(new Error(`ended before it was ready: ${printed}`)));
  });
}
