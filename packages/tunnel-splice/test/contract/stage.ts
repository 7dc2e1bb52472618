/** A transport between real sockets: an upstream server behind it, a door in front of it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type {
  Address,
  DialOptions,
  DialResult,
  JoinPlan,
  Leg,
  Listening,
  SpliceOptions,
  Transport,
} from '../../src/index.ts';
import { FollowedTunnel, followSplice } from './followed.ts';
import { Peer } from './peer.ts';

/** One side of a tunnel: the peer in the test, and the leg in the transport. */
export interface Side {
  readonly peer: Peer;
  readonly leg: Leg;
}

/** A tunnel with both its peers. */
export interface Tunnel {
  readonly client: Peer;
  readonly upstream: Peer;
  readonly splice: FollowedTunnel;
}

/** How tunnels come to be: two legs are spliced, or a dial joins a client. */
export type Way = 'splice' | 'join';

type TunnelOptions = Omit<SpliceOptions, 'keeper'>;

/** Nothing ends such a tunnel but its peers. */
export const PATIENT: TunnelOptions = {
  idleTimeoutMs: Infinity,
  halfCloseTimeoutMs: Infinity,
  lifetimeMs: Infinity,
};

interface Joining {
  readonly done: Promise<DialResult>;
  readonly splice: FollowedTunnel;
  cancel(): void;
}

/** The stage of one test. */
export interface Stage {
  readonly transport: Transport;
  readonly upstreamAddress: Address;
  readonly door: Listening;
  connectClient(): Promise<Side>;
  connectUpstream(): Promise<Side>;
  /** What comes of dialling the upstream for a client, and of the tunnel that a dial would join it to. */
  join(client: Leg, options?: Partial<JoinPlan>, dialling?: Partial<DialOptions>): Joining;
  /** The other end of a dial that has no leg to tell it by. */
  nextUpstream(): Promise<Peer>;
  openTunnel(options?: Partial<TunnelOptions>): Promise<Tunnel>;
}

/** Sets a fresh stage before each test and clears it away after. */
export function useStage(create: () => Transport, way: Way = 'splice'): () => Stage {
  let stage: OpenStage | undefined;
  beforeEach(async () => {
    stage = await openStage(create(), way);
  });
  afterEach(() => stage?.close());
  return () => {
    if (stage === undefined) throw new Error('the stage is only there while a test runs');
    return stage;
  };
}

/** A stage that its user clears away. */
export interface OpenStage extends Stage {
  close(): Promise<void>;
}

/** Sets a stage round a transport, which it will stop. */
export async function openStage(transport: Transport, way: Way = 'splice'): Promise<OpenStage> {
  const sockets = new Set<Socket>();
  const arrivals = new Arrivals<Leg>();
  const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => arrivals.put(leg.remote.port, leg));
  const accepted = new Arrivals<Peer>();
  const server = await listen((socket) => accepted.put(socket.remotePort ?? 0, peerOf(socket, sockets)));
  const upstreamAddress: Address = { host: '127.0.0.1', port: portOf(server) };

  const stage: Stage = {
    transport,
    door,
    upstreamAddress,
    async connectClient() {
      const socket = connect({ ...door.address, allowHalfOpen: true, noDelay: true });
      const peer = peerOf(socket, sockets);
      await once(socket, 'connect');
      return { peer, leg: await arrivals.take(socket.localPort ?? 0) };
    },
    async connectUpstream() {
      const dialled = await transport.dial(upstreamAddress, { deadline: Infinity }).done;
      if (dialled.kind !== 'connected') throw new Error(`the dial was ${dialled.kind}`);
      return { leg: dialled.leg, peer: await accepted.take(dialled.leg.local.port) };
    },
    nextUpstream: () => accepted.takeAny(),
    join(client, options = {}, dialling = {}) {
      const splice = new FollowedTunnel(transport);
      const onUp = splice.isUp.bind(splice);
      const join = { ...PATIENT, client, reply: NO_REPLY, keeper: splice, onUp, ...options };
      const dial = transport.dial(upstreamAddress, { deadline: Infinity, join, ...dialling });
      return { done: dial.done, splice, cancel: () => dial.cancel() };
    },
    async openTunnel(options = {}) {
      if (way === 'join') return openJoined(options);
      const [client, upstream] = await Promise.all([stage.connectClient(), stage.connectUpstream()]);
      const splice = followSplice(transport, client.leg, upstream.leg, { ...PATIENT, ...options });
      return { client: client.peer, upstream: upstream.peer, splice };
    },
  };
  /** One at a time: nothing else tells which upstream belongs to which. */
  const openJoined = async (options: Partial<TunnelOptions>): Promise<Tunnel> => {
    const client = await stage.connectClient();
    const { done, splice } = stage.join(client.leg, options);
    const [upstream, { kind }] = await Promise.all([accepted.takeAny(), done]);
    if (kind !== 'joined') throw new Error(`the dial was ${kind}`);
    return { client: client.peer, upstream, splice };
  };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.on('connection', (late) => late.destroy());
    await transport.stop();
    await new Promise((resolve) => server.close(resolve));
  };
  return { ...stage, close };
}

const NO_REPLY = new Uint8Array(0);

/** A server on a free port of 127.0.0.1. */
export async function listen(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onSocket);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  // A server on a TCP port names itself so.
  return (server.address() as AddressInfo).port;
}

function peerOf(socket: Socket, sockets: Set<Socket>): Peer {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  return new Peer(socket);
}

/** Both ends of a connection meet here, whichever comes first: the port of the one that dialled tells them from others. */
class Arrivals<Arrival> {
  readonly #come = new Map<number, Arrival>();
  #onAny: (() => void) | undefined;
  readonly #awaited = new Map<number, (arrival: Arrival) => void>();

  put(port: number, arrival: Arrival): void {
    this.#come.set(port, arrival);
    this.#awaited.get(port)?.(arrival);
    this.#onAny?.();
  }

  /** The one that comes next, or has come and nobody took. */
  async takeAny(): Promise<Arrival> {
    if (this.#come.size === 0) await new Promise<void>((resolve) => (this.#onAny = resolve));
    const [port = 0] = this.#come.keys();
    return this.take(port);
  }

  async take(port: number): Promise<Arrival> {
    const arrival = this.#come.get(port) ?? (await new Promise<Arrival>((resolve) => this.#awaited.set(port, resolve)));
    this.#come.delete(port);
    this.#awaited.delete(port);
    return arrival;
  }
}
