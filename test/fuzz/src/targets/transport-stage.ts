/** A transport between real sockets, tunnel after tunnel. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Leg, Splice, SpliceOptions, Transport } from '../../../../packages/tunnel-splice/dist/index.js';
import { Peer } from './transport-peer.ts';

export interface Tunnel {
  readonly client: Peer;
  readonly upstream: Peer;
  readonly splice: Splice<'cut'>;
}

/** Read from either side before the splice. */
export type Preread = Pick<Partial<SpliceOptions>, 'clientBytes' | 'upstreamBytes'>;

export interface Stage {
  /** One tunnel at a time: the next client to come is the one that this opens. */
  openTunnel(preread: Preread): Promise<Tunnel>;
  close(): Promise<void>;
}

const PATIENT = { idleTimeoutMs: Infinity, halfCloseTimeoutMs: Infinity, lifetimeDeadline: Infinity };

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
      return { client, upstream, splice: transport.splice<'cut'>(leg, dialled.leg, { ...preread, ...PATIENT }) };
    },
    async close() {
      await transport.stop();
      server.close();
    },
  };
}
