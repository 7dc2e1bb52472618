/** Real connections, each with our leg at one end and a plain socket at the other. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createPortableTransport, type Leg } from '@sallyport/tunnel-splice';
import { afterAll, beforeAll } from 'vitest';

export interface Connection {
  /** Our end. */
  readonly leg: Leg;
  /** The client itself. */
  readonly peer: Socket;
}

/** Opens a listener for the tests of the calling file; what it returns connects to it. */
export function useConnections(): () => Promise<Connection> {
  const transport = createPortableTransport();
  const awaited: ((leg: Leg) => void)[] = [];
  const peers: Socket[] = [];
  let port = 0;
  beforeAll(async () => {
    const listening = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => awaited.shift()?.(leg));
    port = listening.address.port;
  });
  afterAll(async () => {
    for (const peer of peers) peer.destroy();
    await transport.stop();
  });
  return async () => {
    const accepted = new Promise<Leg>((resolve) => awaited.push(resolve));
    const peer = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    peer.on('error', () => peer.destroy());
    peers.push(peer);
    const [leg] = await Promise.all([accepted, once(peer, 'connect')]);
    return { leg, peer };
  };
}

/** Within so many milliseconds; as a rule the test's own time limit strikes first. */
export function deadlineIn(milliseconds = 60_000): number {
  return performance.now() + milliseconds;
}
