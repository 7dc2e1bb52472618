/** A client of the soak at the explicit door. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Mixed } from './soak-mixed.ts';

export interface Asked {
  readonly socket: Socket;
  readonly heard: () => string;
  /** Once something has come, or the connection has ended. */
  readonly answered: Promise<void>;
}

/** Asks for a tunnel to the origin. */
export async function ask({ load, proxy: { ports } }: Mixed): Promise<Asked> {
  const socket = await open(ports.connect);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()).once('close', () => resolve()));
  socket.write(`CONNECT 127.0.0.1:${load.originPort} HTTP/1.1\r\n\r\n`);
  return { socket, heard: () => heard, answered };
}

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket.on('error', () => undefined);
}
