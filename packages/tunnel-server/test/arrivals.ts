/** Real connections, with our leg at one end and a plain socket at the other. */
import { connect, type Socket } from 'node:net';
import { createPortableTransport, type Leg } from '@sallyport/tunnel-splice';
import { afterAll, beforeAll } from 'vitest';

export interface Visit {
  /** Our end. */
  readonly client: Leg;
  /** The client itself. */
  readonly peer: Socket;
}

/** Opens a door for the tests of the calling file, and returns how to walk up to it. */
export function openDoor(): () => Promise<Visit> {
  const transport = createPortableTransport();
  const arrivals: ((client: Leg) => void)[] = [];
  let port = 0;
  beforeAll(async () => {
    const listening = await transport.listen({ host: '127.0.0.1', port: 0 }, (client) => arrivals.shift()?.(client));
    ({ port } = listening.address);
  });
  afterAll(() => transport.stop());

  return async () => {
    const arrived = new Promise<Leg>((resolve) => arrivals.push(resolve));
    const peer = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    peer.on('error', () => peer.destroy());
    return { client: await arrived, peer };
  };
}

/** Within so many milliseconds; as a rule the test's own time limit strikes first. */
export function deadlineIn(milliseconds = 60_000): number {
  return performance.now() + milliseconds;
}
