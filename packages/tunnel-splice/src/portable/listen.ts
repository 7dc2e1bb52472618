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
import type { LegResources, PortableLeg } from './leg.ts';
import { handleOf, type TcpHandle } from './node-handle.ts';
import { listenErrorFrom } from './system-errors.ts';

/** How many connections the kernel queues; its own limit (net.core.somaxconn) may be lower. */
const BACKLOG = 4096;

interface Opening {
  readonly bind: Bind;
  readonly onClient: (client: Leg) => void;
  readonly options: ListenOptions;
  readonly resources: LegResources;
  /** Called when it begins to close. */
  readonly onClose: (listener: Listening) => void;
}

/** Opens a listener; rejects with a {@link ListenError}. */
export async function openListener(opening: Opening): Promise<Listening> {
  return new PortableListener(await boundServers(opening.bind, opening.options), opening);
}

class PortableListener implements Listening {
  readonly address: Address;
  readonly isDualStack: boolean;
  readonly sockets: readonly number[];
  readonly #servers: readonly Server[];
  readonly #resources: LegResources;
  readonly #isTransparent: boolean;
  readonly #onClose: (listener: Listening) => void;
  #onClient: (client: Leg) => void;
  #reception: Reception;
  #acceptedCount = 0;
  #receivedCount = 0;
  #receivedAt = performance.now();

  constructor(servers: readonly Server[], { bind, onClient, options, resources, onClose }: Opening) {
    const [passed] = options.passed ?? [];
    const bound = servers.map(boundAddress).find((address) => address !== undefined) ?? bind;
    this.address = bound;
    this.isDualStack =
      passed === undefined ? (options.isDualStack ?? false) : bound.host === '::' && takesIpv4(passed, resources);
    this.sockets = servers.flatMap((server) => handleOf(server)?.fd ?? []);
    this.#servers = servers;
    this.#resources = resources;
    this.#isTransparent = options.intercept === 'tproxy';
    this.#onClose = onClose;
    this.#onClient = onClient;
    this.#reception = options;
    for (const server of servers) acceptFrom(server, (handle) => this.#accept(handle));
  }

  serve(onClient: (client: Leg) => void, reception: Reception): void {
    this.#onClient = onClient;
    this.#reception = reception;
  }

  /** Does nothing: no other thread can close silent clients while this one is stalled. */
  allowSilence(): void {}

  async close(): Promise<void> {
    this.#onClose(this);
    await this.#drainQueue();
    await closeAll(this.#servers);
  }

  #accept(handle: TcpHandle): void {
    this.#acceptedCount += 1;
    const awayMs = performance.now() - this.#receivedAt;
    if (awayMs > LONG_AWAY_MS) setTimeout(() => this.#receive(handle), SIGNAL_WAIT_MS);
    else this.#receive(handle);
  }

  #receive(handle: TcpHandle): void {
    this.#receivedCount += 1;
    this.#receivedAt = performance.now();
    const { introduce, identity } = this.#reception;
    if (introduce !== undefined) {
      void introducedLeg(handle, this.#resources, { ...this.#reception, introduce }).then((leg) => this.#handOut(leg));
      return;
    }
    const leg = acceptedLeg({ handle }, this.#resources, identity && securityFor(identity, peerOf(handle)));
    // A client that sent an RST while it was queued has no address any more. It is reported all the same: it may be a probe.
    if (!leg.nameEnds()) leg.local = this.address;
    // The kernel gave the socket the client's destination as its local address.
    else if (this.#isTransparent) leg.original = leg.local;
    this.#handOut(leg);
  }

  #handOut(leg: PortableLeg): void {
    leg.keepUrgentInline();
    this.#onClient(leg);
  }

  /** Lets the event loop accept what is queued: closing the descriptor would answer those clients with RSTs. */
  async #drainQueue(): Promise<void> {
    let quietTurns = 0;
    // libuv accepts one connection a turn. Two quiet turns are awaited, for only the second one has polled from start to end. New
    // connections keep coming meanwhile, so the number of turns is limited to the size of the queue.
    for (let turn = 0; turn < BACKLOG && quietTurns < 2; turn += 1) {
      const before = this.#acceptedCount;
      await nextTurn();
      const isQuiet = this.#acceptedCount === before && this.#receivedCount === this.#acceptedCount;
      quietTurns = isQuiet ? quietTurns + 1 : 0;
    }
  }
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
  const opened = await Promise.allSettled(passed.map((fd) => listeningAt(fd, bind)));
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

/** It is bound already: all that can be wrong is what it is. Node.js listens at a Unix socket, too, but its clients have no address. */
async function listeningAt(passed: number, bind: Bind): Promise<Server> {
  const server = await listening(bind, { fd: passed }).catch((cause: unknown) => {
    throw new ListenError('not-passable', bind, cause);
  });
  if (boundAddress(server) !== undefined) return server;
  await closeAll([server]);
  throw new ListenError('not-passable', bind, new Error('it has no address of IP'));
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
