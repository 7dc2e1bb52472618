/** A proxy of somebody else, started in a folder and on a port of its own, and ended with all its children. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilOpen } from '../harness/ports.ts';

export interface OtherProxy {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** How a program is started. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Files to lay in its folder: name to text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Where it is to work. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  /** Nobody else's on this machine: for names that processes share. */
  readonly id: string;
}

/** Resolves once it takes connections; rejects with its last words when it ends before that. */
export async function startProxy(launch: (place: Place) => Launch): Promise<OtherProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-peer-'));
  // Many drop to a user of their own when started by root.
  chmodSync(folder, 0o777);
  const port = await freePort();
  const { program, args, files = {} } = launch({ folder, port, id: `s${randomBytes(5).toString('hex')}` });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 });
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const grace = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(grace);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilOpen(child, port);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { port, process: child, stop };
}
