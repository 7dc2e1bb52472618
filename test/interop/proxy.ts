/** Starts a peer in a folder of its own, and ends it with all its children. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilOpen } from '../e2e/harness/ports.ts';
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
