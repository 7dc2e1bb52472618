/** An open door on `node:net`. */
import { createServer, type Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Address, Bind, Leg, Listening } from '../transport.ts';
import { addressOf } from './addresses.ts';
import { PortableLeg, type LegResources } from './leg.ts';
import { handleOf, type TcpHandle } from './node-handle.ts';
import { acceptedSocket } from './node-socket.ts';
import { SpareDescriptor } from './spare-descriptor.ts';
import { listenErrorFrom } from './system-errors.ts';

/** How many connections the kernel queues for us; it takes no more than its own limit (net.core.somaxconn). */
const BACKLOG = 4096;

/** Opens a listener; rejects with a {@link ListenError}. */
export async function openListener(
  bind: Bind,
  resources: LegResources,
  onClient: (client: Leg) => void,
): Promise<Listening> {
  const server = await boundServer(bind);
  const spare = new SpareDescriptor();
  acceptFrom(server, spare, (handle) => {
    const leg = new PortableLeg(resources, (onread) => acceptedSocket(handle, onread));
    // A client that has sent an RST while it was queued has no address any more: it is nobody's client.
    if (leg.nameEnds()) onClient(leg);
    else leg.stop();
  });
  return { address: boundAddress(server) ?? bind, close: () => closeServer(server, spare) };
}

function boundServer(bind: Bind): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(listenErrorFrom(error, bind)));
    server.listen({ host: bind.host, port: bind.port, backlog: BACKLOG, ipv6Only: true, exclusive: true }, () =>
      resolve(server),
    );
  });
}

/** Takes connections as handles, before `net.Server` makes sockets of them that could not be given an `onread` buffer. */
function acceptFrom(server: Server, spare: SpareDescriptor, onHandle: (handle: TcpHandle) => void): void {
  const listener = handleOf(server);
  if (listener === undefined) return;
  listener.onconnection = (_status, client) => {
    // Out of descriptors: libuv has a spare one to accept and drop what is queued, and reports this only where it lost that too. It
    // would ask the kernel again at once and for ever, so give it one: the client it gets then is the one that is dropped.
    if (client === undefined) spare.giveUp();
    else if (spare.isHeld || spare.takeBack()) onHandle(client);
    else {
      client.close();
      spare.takeBack();
    }
  };
}

function boundAddress(server: Server): Address | undefined {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? undefined : addressOf(bound.address, bound.port);
}

/** Closing the descriptor resets what is queued on it; so let the event loop accept that first. */
async function closeServer(server: Server, spare: SpareDescriptor): Promise<void> {
  // The first turn may be in its middle; the second one polls from start to end, and libuv then accepts until nothing is queued.
  await nextTurn();
  await nextTurn();
  spare.giveUp();
  if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
}
