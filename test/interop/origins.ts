/** The far ends: one where everyone may go, one that only the inside should reach, and one where nobody listens. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What every proxy is told that the names are. All have the same port, for a client of the SNI door cannot say one. */
export const hosts = { 'origin.test': '127.0.0.1', 'inside.test': '127.0.0.2', 'closed.test': '127.0.0.3' } as const;

/** A name that every proxy can resolve. */
export type HostName = keyof typeof hosts;

/** What an origin has of a proxy: its connection. */
export interface Upstream {
  readonly socket: Socket;
  /** Resolves with everything heard, once it is as long as this. */
  hears(byteCount: number): Promise<Buffer>;
  /** How the proxy ends its side. */
  readonly ended: Promise<'FIN' | 'RST'>;
}

/** Both origins that listen, on one port. */
export interface Origins {
  readonly port: number;
  /** The next connection, at either origin. */
  arrival(signal: AbortSignal): Promise<Upstream>;
  close(): void;
}

/** Opens the origins of `origin.test` and `inside.test`. */
export async function openOrigins(): Promise<Origins> {
  const open = new Set<Upstream>();
  const server = (): Server => createServer({ allowHalfOpen: true, noDelay: true });
  const [outside, inside] = [server(), server()];
  outside.listen(0, hosts['origin.test']);
  await once(outside, 'listening');
  const { port } = outside.address() as AddressInfo; // A TCP server that listens has one.
  inside.listen(port, hosts['inside.test']);
  await once(inside, 'listening');

  const waiting = new Set<(upstream: Upstream) => void>();
  for (const each of [outside, inside]) {
    each.on('connection', (socket: Socket) => {
      const upstream = follow(socket);
      open.add(upstream);
      for (const arrived of waiting) arrived(upstream);
    });
  }
  return {
    port,
    arrival: (signal) =>
      new Promise((resolve) => {
        waiting.add(resolve);
        signal.addEventListener('abort', () => waiting.delete(resolve));
      }),
    close: () => {
      outside.close();
      inside.close();
      for (const { socket } of open) socket.destroy();
    },
  };
}

function follow(socket: Socket): Upstream {
  let heard = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
  const ended = new Promise<'FIN' | 'RST'>((resolve) => {
    socket.once('end', () => resolve('FIN')).on('error', () => resolve('RST'));
  });
  return {
    socket,
    ended,
    hears: async (byteCount) => {
      while (heard.length < byteCount) await once(socket, 'data');
      return heard;
    },
  };
}
