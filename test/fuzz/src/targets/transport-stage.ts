/** A transport between real sockets, for one tunnel after the other. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type {
  Leg,
  SpliceOptions,
  Transport,
  TunnelCounts,
  TunnelKeeper,
  TunnelNumber,
  TunnelResult,
} from '../../../../packages/tunnel-splice/dist/index.js';
import { Peer } from './transport-peer.ts';

export interface Tunnel {
  readonly client: Peer;
  readonly upstream: Peer;
  readonly splice: FollowedTunnel;
}

/** Read from either side before the splice. */
export type Preread = Pick<Partial<SpliceOptions>, 'clientBytes' | 'upstreamBytes'>;

export interface Stage {
  /** One tunnel at a time: the next client to come is the one that this opens. */
  openTunnel(preread: Preread): Promise<Tunnel>;
  close(): Promise<void>;
}

const PATIENT = { idleTimeoutMs: Infinity, halfCloseTimeoutMs: Infinity, lifetimeMs: Infinity };

export async function openStage(transport: Transport): Promise<Stage> {
  let onClient: (leg: Leg) => void = (leg) => leg.reset();
  const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onClient(leg));
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    async openTunnel(preread) {
      const arrived = new Promise<Leg>((resolve) => (onClient = resolve));
      const client = new Peer(connect({ ...door.address, allowHalfOpen: true, noDelay: true }));
      const accepted = once(server, 'connection').then(([socket]) => new Peer(socket as Socket));
      const [leg, dialled] = await Promise.all([
        arrived,
        transport.dial({ host: '127.0.0.1', port }, { deadline: Infinity }).done,
      ]);
      if (dialled.kind !== 'connected') throw new Error(`the dial was ${dialled.kind}`);
      const upstream = await accepted;
      const splice = new FollowedTunnel(transport);
      splice.isUp(transport.splice(leg, dialled.leg, { ...preread, ...PATIENT, keeper: splice }));
      return { client, upstream, splice };
    },
    async close() {
      await transport.stop();
      server.close();
    },
  };
}

/** A tunnel with a keeper of its own. */
class FollowedTunnel implements TunnelKeeper {
  readonly done: Promise<TunnelResult>;
  readonly #transport: Transport;
  #number: TunnelNumber = 0;
  #result: TunnelResult | undefined;
  #resolve: (result: TunnelResult) => void = () => undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  isUp(tunnel: TunnelNumber): void {
    this.#number = tunnel;
  }

  tunnelEnded(_tunnel: TunnelNumber, result: TunnelResult): void {
    this.#result = result;
    this.#resolve(result);
  }

  counts(): TunnelCounts {
    const { bytesUp, bytesDown } = this.#result ?? this.#transport.counts(this.#number);
    return { bytesUp, bytesDown };
  }

  cut(): void {
    if (this.#result === undefined) this.#transport.cut(this.#number);
  }
}
