/** An address on loopback that never answers a SYN: a listener that does not accept, its queue full. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Address } from '@sallyport/tunnel-splice';

export interface SilentListener {
  readonly address: Address;
  stop(): Promise<void>;
}

/** Blocks its only thread behind a listening socket, so that the kernel alone answers, until it has no room left. */
const LISTEN_AND_SLEEP = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** Linux queues one connection more than the backlog says, and drops the SYNs of those that come after. */
const QUEUED = 2;

export async function startSilentListener(): Promise<SilentListener> {
  const listener = spawn(process.execPath, ['-e', LISTEN_AND_SLEEP], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) =>
    listener.stdout.once('data', (said: Buffer) => resolve(Number(said.toString()))),
  );
  const address = { host: '127.0.0.1', port };
  const queued = Array.from({ length: QUEUED }, () => net.connect(address));
  for (const socket of queued) socket.on('error', () => socket.destroy());
  await Promise.all(queued.map((socket) => once(socket, 'connect')));
  return {
    address,
    stop: async () => {
      for (const socket of queued) socket.destroy();
      listener.kill('SIGKILL');
      await once(listener, 'exit');
    },
  };
}
