/** A real Redis on loopback that keeps nothing on the disk. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority, tmpdir } from 'node:os';
import { freePort, untilOpen } from './ports.ts';

export interface Redis {
  readonly port: number;
  readonly url: string;
  /** SIGSTOP and SIGCONT, say. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, stopped or not, with all that it holds. */
  kill(): Promise<void>;
}

/**
 * Resolves once it takes connections.
 * @param port the one of a Redis that was ended, which is to be back; left out: a free one
 * @param options of redis-server
 */
export async function startRedis(port?: number, options: readonly string[] = []): Promise<Redis> {
  const at = port ?? (await freePort());
  const inMemory = ['--bind', '127.0.0.1', '--port', String(at), '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  const child = spawn('redis-server', [...inMemory, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  await untilOpen(child, at);
  favour(child.pid);
  return {
    port: at,
    url: `redis://127.0.0.1:${at}`,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** It answers in time as one on a machine of its own would, whatever else this machine is busy with. Only root may. */
function favour(pid = 0): void {
  try {
    setPriority(pid, -15);
  } catch {
    process.stderr.write('redis-server runs at no higher priority: on a busy machine it may be late\n');
  }
}
