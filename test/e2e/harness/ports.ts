/** Ports of real peers: free ones, and when somebody listens at them. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { vi } from 'vitest';

/** tcpmux and compressnet: nobody listens there, and no system gives them to a client. */
export const CLOSED_PORTS = [1, 2] as const;
export const CLOSED_PORT = CLOSED_PORTS[0];

/** Below the ephemeral range, where no outgoing connection can have taken it. */
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

/** Rejects with the last words of a program that ends before it listens. */
export async function untilOpen(child: ChildProcess, port: number): Promise<void> {
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => (lastWords = `${lastWords}${chunk.toString()}`.slice(-500)));
  await vi.waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended at its start: ${lastWords.trim()}`);
      return isOpen(port);
    },
    { timeout: 20_000, interval: 50 },
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
