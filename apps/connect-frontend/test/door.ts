/** A listening transport for the tests, and clients that connect to it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { PrereadLimits } from '@sallyport/tunnel-server';
import { createPortableTransport, type Leg } from '@sallyport/tunnel-splice';

/** One connection, from both ends: the client's socket and our leg. */
export interface Connection {
  readonly socket: Socket;
  readonly leg: Leg;
}

export interface Door {
  connect(): Promise<Connection>;
  /** Ends the listener and every connection. */
  close(): Promise<void>;
}

/** Opens a real listener on a free port of 127.0.0.1. */
export async function openDoor(): Promise<Door> {
  const transport = createPortableTransport();
  const awaited: ((leg: Leg) => void)[] = [];
  const sockets: Socket[] = [];
  const listening = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => awaited.shift()?.(leg));
  return {
    async connect() {
      const accepted = new Promise<Leg>((resolve) => awaited.push(resolve));
      const socket = connect(listening.address.port, '127.0.0.1');
      sockets.push(socket);
      const [leg] = await Promise.all([accepted, once(socket, 'connect')]);
      return { socket, leg };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await listening.close();
      await transport.stop();
    },
  };
}

export interface Bounds {
  readonly prereadLimitBytes?: number;
  readonly deadlineInMs?: number;
}

/** Limits that no test meets by accident. */
export function limits({ prereadLimitBytes = 16 * 1024, deadlineInMs = 10_000 }: Bounds = {}): PrereadLimits {
  return { prereadLimitBytes, deadline: performance.now() + deadlineInMs };
}

/** All that comes until the door ends the connection, a character a byte. */
export async function readReply(socket: Socket): Promise<string> {
  return (await buffer(socket)).toString('latin1');
}
