/** The connections of the admin server: a limited number, one request at a time on each. A new client always gets a connection. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The most connections at once. */
export const MAX_CONNECTIONS = 64;

/** How many requests may wait on one connection behind the one that is answered: a client that sends more is disconnected. */
const MAX_WAITING = 8;

/** How long an answer may hold its connection when another client wants the place, in milliseconds. */
const ANSWERED_WITHIN_MS = 1_000;

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

interface Connection {
  /** Requests that wait for those before them to be answered. */
  readonly waiting: (() => void)[];
  /** Since when a request has been answered; undefined between requests. */
  busySince: number | undefined;
}

/** Controls a server's connections. Returns the handler to which its requests must be given. */
export function tameConnections(server: Server, handle: Handle): Handle {
  /** The one unused for longest comes first. */
  const connections = new Map<Socket, Connection>();
  server.on('connection', (socket: Socket) => {
    const isFull = connections.size >= MAX_CONNECTIONS;
    const leaving = isFull ? (findDispensable(connections) ?? socket) : undefined;
    leaving?.destroy();
    if (leaving === socket) return;
    // Not at its `close`, which comes later: the place is free now.
    if (leaving) connections.delete(leaving);
    connections.set(socket, { waiting: [], busySince: undefined });
    socket.once('close', () => connections.delete(socket));
  });
  return (request, response) => {
    const { socket } = request;
    const connection = connections.get(socket);
    // What came in one piece with the request for which a connection was ended is not answered.
    if (!connection || socket.destroyed) return;
    const begin = (): void => {
      connection.busySince = performance.now();
      response.once('close', () => {
        connection.busySince = undefined;
        if (socket.destroyed) return;
        touch(connections, socket);
        connection.waiting.shift()?.();
      });
      handle(request, response);
    };
    if (connection.busySince === undefined) begin();
    else if (connection.waiting.push(begin) > MAX_WAITING) socket.destroy();
  };
}

/**
 * The connection that has been idle longest, since it was opened or between requests; where none is idle, the one longest at its answer.
 */
function findDispensable(connections: ReadonlyMap<Socket, Connection>): Socket | undefined {
  let stalled: Socket | undefined;
  const longAgo = performance.now() - ANSWERED_WITHIN_MS;
  for (const [socket, { busySince }] of connections) {
    if (busySince === undefined) return socket;
    if (busySince < longAgo) stalled ??= socket;
  }
  return stalled;
}

function touch(connections: Map<Socket, Connection>, socket: Socket): void {
  const connection = connections.get(socket);
  if (!connection) return;
  connections.delete(socket);
  connections.set(socket, connection);
}
