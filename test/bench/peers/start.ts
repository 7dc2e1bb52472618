/** Starts a proxy in a folder of its own, on ports and cores of its own, and ends it with all its children. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from '../measure.ts';
import type { Door, Found } from './peer.ts';

export interface StartOptions {
  readonly doors: readonly Door[];
  readonly originPort: number;
  /** As taskset takes them. */
  readonly cores: string;
  /** Where its doors are to be; whatever is free without it. */
  readonly ports?: Partial<Record<Door, number>>;
  /** For a peer in Node; what V8 then prints is kept. */
  readonly v8Flags?: readonly string[];
}

export interface RunningProxy {
  readonly pid: number;
  readonly ports: Readonly<Record<Door, number>>;
  /** For whatever else the peer listens on. */
  readonly sparePort: number;
  /** What it has printed so far; nothing without `v8Flags`. */
  readonly readOutput: () => string;
  stop(): void;
}

type PresentPeer = Extract<Found, { kind: 'present' }>;

/** Resolves once every door takes connections; rejects with the last words of a proxy that ends before that. */
export async function startProxy(
  peer: PresentPeer,
  { doors, originPort, cores, ports: chosen, v8Flags }: StartOptions,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  // Squid and nginx drop to a user of their own when started by root.
  chmodSync(folder, 0o755);
  const ports = { sni: await freePort(), connect: await freePort(), ...chosen };
  const sparePort = await freePort();
  const { argv, files } = peer.configure({ folder, ports, sparePort, originPort });
  const [program, ...args] = argv;
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const output = join(folder, 'output');
  const child = spawn('taskset', ['-c', cores, program, ...(v8Flags ?? []), ...args], {
    cwd: folder,
    stdio: ['ignore', v8Flags ? openSync(output, 'w') : 'ignore', 'pipe'],
  });
  const stop = stopper(child, folder);
  try {
    await untilOpen(
      child,
      doors.map((door) => ports[door]),
    );
  } catch (cause) {
    stop();
    throw cause;
  }
  if (child.pid === undefined) throw new Error('a proxy without a process answered');
  const readOutput = (): string => (v8Flags ? readFileSync(output, 'utf8') : '');
  return { pid: child.pid, ports, sparePort, readOutput, stop };
}

/** Below the ephemeral range, where no outgoing connection can have taken or used it (ip_local_port_range is 32768 on). */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

function stopper(child: ChildProcess, folder: string): () => void {
  const stop = (): void => {
    process.off('exit', stop);
    // Nothing of it is to be kept, and a draining proxy would be in the next one's way.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killTree(child.pid);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', stop);
  return stop;
}

function killTree(root: number): void {
  for (const pid of processTree(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (cause) {
      // It ended since the tree was read, with its parent perhaps.
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause;
    }
  }
}

async function untilOpen(child: ChildProcess, ports: readonly number[]): Promise<void> {
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => (lastWords = `${lastWords}${chunk.toString()}`.slice(-500)));
  const ended = once(child, 'exit').then(() => true);
  for (let tries = 0; tries < 500; tries++) {
    if ((await Promise.all(ports.map(isOpen))).every(Boolean)) return;
    if (await Promise.race([ended, delay(30, false)])) throw new Error(`it ended at its start: ${lastWords.trim()}`);
  }
  throw new Error(`its doors were not open after 15 s: ${lastWords.trim()}`);
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isConnected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isConnected;
}
