/** Starts a peer in a folder of its own, and ends it with all its children. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Door } from './claims.ts';
import type { Peer, Place } from './peer.ts';

/** A proxy that runs. */
export interface Proxy {
  port(door: Door): number;
  stop(): Promise<void>;
}

/** Resolves once the door takes connections; rejects with the last words of a peer that ends before that. */
export async function startPeer(peer: Peer, origins: Omit<Place, 'folder' | 'port'>): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'interop-'));
  // nginx and Squid drop to a user of their own when started by root.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const { args, files } = peer.configure({ ...origins, folder, port });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const child = spawn(peer.program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    // It ends its own children, where SIGKILL would leave them behind.
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  };
  try {
    await untilOpen(child, port);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { port: () => port, stop };
}

/** Below the ephemeral range, where no outgoing connection can have taken it. */
async function freePort(): Promise<number> {
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

async function untilOpen(child: ChildProcess, port: number): Promise<void> {
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => (lastWords = `${lastWords}${chunk.toString()}`.slice(-500)));
  await vi.waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended at its start: ${lastWords.trim()}`);
      return isOpen(port);
    },
    { timeout: 15_000, interval: 50 },
  );
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
