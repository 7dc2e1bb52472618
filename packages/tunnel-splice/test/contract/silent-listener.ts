/** An address that never answers: a listener whose queue is full and which accepts nobody. */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Address } from '../../src/index.ts';

export interface SilentListener {
  readonly address: Address;
  close(): Promise<void>;
}

/** Blocks its own thread as soon as it listens, so that nothing in it can accept. */
const BLOCKED_LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** More than the kernel queues for a backlog of one; it leaves the rest without an answer. */
const FILLING_CONNECTIONS = 8;

export async function openSilentListener(): Promise<SilentListener> {
  const worker = new Worker(BLOCKED_LISTENER, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const address: Address = { host: '127.0.0.1', port };
  const sockets = Array.from({ length: FILLING_CONNECTIONS }, () => connect(address));
  await Promise.all(sockets.slice(0, 2).map(connected));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await worker.terminate();
  };
  return { address, close };
}

function connected(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => socket.once('connect', resolve));
}
