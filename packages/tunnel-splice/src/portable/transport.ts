/** The transport that works wherever Node does: `node:net`, no native code. */
import type { Bind, Leg, Listening, ListenOptions, Transport } from '../transport.ts';
import { Deadlines } from './deadlines.ts';
import { PortableDial } from './dial.ts';
import type { LegResources } from './leg.ts';
import { openListener } from './listen.ts';
import { LiveLegs } from './live-legs.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { TlsIdentity } from './tls-identity.ts';
import { Tunnels } from './tunnels.ts';

/** The portable transport alone speaks TLS. */
export interface PortableListenOptions extends ListenOptions {
  /** Asked at each connection: with it the listener speaks TLS, and a new identity holds from the next client on. */
  readonly identity?: () => TlsIdentity;
}

/** The one transport that can speak TLS to its clients: what it relays for them passes through this process's memory anyway. */
export interface PortableTransport extends Transport {
  listen(bind: Bind, onClient: (client: Leg) => void, options?: PortableListenOptions): Promise<Listening>;
}

/** A transport on `node:net`. Legs of one transport can only be spliced with each other. */
export function createPortableTransport(): PortableTransport {
  const resources: LegResources = { buffers: new ReadBuffers(), deadlines: new Deadlines(), legs: new LiveLegs() };
  const tunnels = new Tunnels(resources.deadlines);
  const doors = new Set<Listening>();
  return {
    name: 'portable',
    async listen(bind, onClient, options = {}) {
      const door = await openListener(bind, resources, onClient, options);
      doors.add(door);
      return {
        ...door,
        close() {
          doors.delete(door);
          return door.close();
        },
      };
    },
    dial: (address, options) => new PortableDial(address, options, { ...resources, tunnels }),
    splice: (client, upstream, options) => tunnels.splice(client, upstream, options),
    counts: (tunnel) => tunnels.counts(tunnel),
    cut: (tunnel) => tunnels.cut(tunnel),
    async stop() {
      await Promise.all([...doors].map((door) => door.close()));
      doors.clear();
      await resources.legs.stop();
    },
  };
}
