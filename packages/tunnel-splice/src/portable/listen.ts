/** A listener on `node:net`. */
import { createServer, type ListenOptions as NetListenOptions, type Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ListenError,
  type Address,
  type Bind,
  type Leg,
  type Listening,
  type ListenOptions,
  type Reception,
} from '../transport.ts';
import { LONG_AWAY_MS, SIGNAL_WAIT_MS } from '../long-away.ts';
import { acceptedLeg, securityFor } from './accepted-leg.ts';
import { introducedLeg } from './introduced-leg.ts';
import { addressOf } from './addresses.ts';
import type { LegResources } from './leg.ts';
import { handleOf, type TcpHandle } from './node-handle.ts';
import { listenErrorFrom } from './system-errors.ts';

/** How many connections the kernel queues; its own limit (net.core.somaxconn) may be lower. */
const BACKLOG = 4096;

/** Opens a listener; rejects with a {@link ListenError}. */
export async function openListener(
  bind: Bind,
  resources: LegResources,
  onClient: (client: Leg) => void,
  options: ListenOptions,
): Promise<Listening> {
  const { intercept, passed = [] } = options;
  const [first] = passed;
  const servers = await boundServers(bind, options);
  const bound = servers.map(boundAddress).find((address) => address !== undefined) ?? bind;
  // Both may be replaced by `serve`.
  let handOut = onClient;
  let reception: Reception = options;
  let acceptedCount = 0;
  let receivedCount = 0;
  let receivedAt = performance.now();
  const accept = (handle: TcpHandle): void => {
    acceptedCount += 1;
    if (performance.now() - receivedAt > LONG_AWAY_MS) setTimeout(() => receive(handle), SIGNAL_WAIT_MS);
    else receive(handle);
  };
  const receive = (handle: TcpHandle): void => {
    receivedCount += 1;
    receivedAt = performance.now();
    const { introduce, identity } = reception;
    if (introduce !== undefined) {
      void introducedLeg(handle, resources, { ...reception, introduce }).then((leg) => {
        leg.keepUrgentInline();
        handOut(leg);
      });
      return;
    }
    const leg = acceptedLeg({ handle }, resources, identity && securityFor(identity, peerOf(handle)));
    leg.keepUrgentInline();
    // A client that sent an RST while it was queued has no address any more. It is reported all the same: it may be a probe.
    if (!leg.nameEnds()) leg.local = bound;
    // The kernel gave the socket the client's destination as its local address.
    else if (intercept === 'tproxy') leg.original = leg.local;
    handOut(leg);
  };
  for (const server of servers) acceptFrom(server, accept);
  return {
    address: bound,
    isDualStack:
      first === undefined ? (options.isDualStack ?? false) : bound.host === '::' && takesIpv4(first, resources),
    sockets: servers.flatMap((server) => handleOf(server)?.fd ?? []),
    serve(nextOnClient, nextReception) {
      handOut = nextOnClient;
      reception = nextReception;
    },
    // No other thread can close silent clients while this one is stalled.
    allowSilence: () => undefined,
    async close() {
      await drainQueue(() => ({ acceptedCount, receivedCount }));
      await closeAll(servers);
    },
  };
}

/** One server of our own, or one for each passed socket. */
async function boundServers(bind: Bind, options: ListenOptions): Promise<readonly Server[]> {
  const { intercept, passed = [], isDualStack = false } = options;
  if (intercept === 'redirect' || (intercept === 'tproxy' && passed.length === 0)) {
    // Node.js can neither set IP_TRANSPARENT nor read SO_ORIGINAL_DST.
    throw new ListenError('not-transparent', bind, new Error(`no ${intercept} without the native transport`));
  }
  const { host, port } = bind;
  if (passed.length === 0) return [await listening(bind, { host, port, ipv6Only: !isDualStack, exclusive: true })];
  const opened = await Promise.allSettled(passed.map((fd) => listening(bind, { fd })));
  const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed === undefined) return servers;
  await closeAll(servers);
  throw failed.reason;
}

function listening(bind: Bind, where: NetListenOptions | { readonly fd: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(listenErrorFrom(error, bind)));
    server.listen({ ...where, backlog: BACKLOG }, () => resolve(server));
  });
}

/**
 * Takes connections as handles, before `net.Server` makes sockets of them: those cannot be given an `onread` buffer.
 *
 * Without a free descriptor libuv uses a spare one to accept and close what is queued, and reports nothing: clients are dropped, the
 * process and its tunnels go on.
 */
function acceptFrom(server: Server, onHandle: (handle: TcpHandle) => void): void {
  const listener = handleOf(server);
  if (listener === undefined) return;
  listener.onconnection = (_status, client) => {
    if (client !== undefined) onHandle(client);
  };
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  const open = servers.filter((server) => server.listening);
  await Promise.all(open.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
}

/** Without the addon this is unknown. */
function takesIpv4(passed: number, { kernel }: LegResources): boolean {
  return kernel === undefined || kernel.isDualStack(passed) === 1;
}

/** Read before a socket is made: under a flood most clients are refused before TLS. */
function peerOf(handle: TcpHandle): Address {
  const peer: { address?: string; port?: number } = {};
  handle.getpeername(peer);
  return addressOf(peer.address, peer.port) ?? { host: '', port: 0 };
}

function boundAddress(server: Server): Address | undefined {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? undefined : addressOf(bound.address, bound.port);
}

/** Lets the event loop accept what is queued: closing the descriptor would answer those clients with RSTs. */
async function drainQueue(count: () => { acceptedCount: number; receivedCount: number }): Promise<void> {
  let quietTurns = 0;
  // libuv accepts one connection a turn. Two quiet turns are awaited, for only the second one has polled from start to end. New
  // connections keep coming meanwhile, so the number of turns is limited to the size of the queue.
  for (let turn = 0; turn < BACKLOG && quietTurns < 2; turn += 1) {
    const before = count().acceptedCount;
    await nextTurn();
    const { acceptedCount, receivedCount } = count();
    quietTurns = acceptedCount === before && receivedCount === acceptedCount ? quietTurns + 1 : 0;
  }
}
