import { once } from 'node:events';
import net from 'node:net';
import { createPortableTransport, type Dial, type DialResult, type Leg } from '@sallyport/tunnel-splice';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { dialDirect, joinDirect } from '../../src/egress/direct.ts';
import { dialOf } from './dial-of.ts';

const transport = createPortableTransport();
const sockets: net.Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => transport.stop());

describe('dialDirect', () => {
  it('gives the leg of a destination that answers', async () => {
    const { leg, peer } = await connectedClient();
    const server = net.createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = await dialDirect([addressOf(server)], leg, options());
    expect(await upstream.read(100, performance.now() + 5000)).toEqual(new TextEncoder().encode('hello'));
    upstream.close();
    leg.close();
    peer.destroy();
    server.close();
  });

  it.each([
    { kind: 'refused', reason: 'refused' },
    { kind: 'reset', reason: 'refused' },
    { kind: 'unreachable', reason: 'unreachable' },
    { kind: 'timeout', reason: 'connect_timeout' },
    { kind: 'exhausted', reason: 'overload' },
  ] as const)('throws $reason when the dial is $kind', async ({ kind, reason }) => {
    const { leg, peer } = await connectedClient();
    const dial = (): Dial => dialOf(Promise.resolve({ kind }));
    const dialled = dialDirect([{ host: '192.0.2.1', port: 443 }], leg, { ...options(), dial });
    await expect(dialled).rejects.toMatchObject({ name: 'TunnelError', reason });
    leg.close();
    peer.destroy();
  });

  it.each([
    { kind: 'refused', outcomes: [false] },
    { kind: 'no-source', outcomes: [false] },
    { kind: 'exhausted', outcomes: [] },
    { kind: 'cancelled', outcomes: [] },
  ] as const)('reports an outcome of the way out only where $kind says something of it', async ({ kind, outcomes }) => {
    const { leg, peer } = await connectedClient();
    const seen: boolean[] = [];
    const dial = (): Dial => dialOf(Promise.resolve({ kind }));
    const onOutcome = (isWanted: boolean): void => void seen.push(isWanted);
    const dialled = dialDirect([{ host: '192.0.2.1', port: 443 }], leg, { ...options(), dial, onOutcome });
    await expect(dialled).rejects.toMatchObject({ name: 'TunnelError' });
    expect(seen).toEqual(outcomes);
    leg.close();
    peer.destroy();
  });

  it('throws client_closed when the client leaves, and gives the dial up', async () => {
    const { leg, peer } = await connectedClient();
    let cancel: () => void = () => undefined;
    const done = new Promise<DialResult>((resolve) => (cancel = () => resolve({ kind: 'cancelled' })));
    const dialled = dialDirect([{ host: '192.0.2.1', port: 443 }], leg, {
      ...options(),
      dial: () => dialOf(done, cancel),
    });
    peer.destroy();
    await expect(dialled).rejects.toMatchObject({ reason: 'client_closed' });
    expect(await done).toEqual({ kind: 'cancelled' });
    leg.close();
  });

  it('closes a connection that was up before it could be given up', async () => {
    const { leg, peer } = await connectedClient();
    const other = await connectedClient();
    let cancel: () => void = () => undefined;
    const done = new Promise<DialResult>((resolve) => (cancel = () => resolve({ kind: 'connected', leg: other.leg })));
    const dialled = dialDirect([{ host: '192.0.2.1', port: 443 }], leg, {
      ...options(),
      dial: () => dialOf(done, cancel),
    });
    const isEnded = once(other.peer.resume(), 'end');
    peer.destroy();
    await expect(dialled).rejects.toMatchObject({ reason: 'client_closed' });
    await isEnded;
    leg.close();
    other.peer.destroy();
  });
});

describe('joinDirect', () => {
  it('closes a connection that was to be joined and was not, and says that this is our fault', async () => {
    const { leg, peer } = await connectedClient();
    const other = await connectedClient();
    const dial = (): Dial => dialOf(Promise.resolve({ kind: 'connected', leg: other.leg }));
    const isEnded = once(other.peer.resume(), 'end');
    const joined = join(leg, dial);
    await expect(joined).rejects.toMatchObject({ reason: 'internal' });
    await isEnded;
    leg.close();
    peer.destroy();
    other.peer.destroy();
  });

  it('leaves a tunnel that was up before its dial could be given up to end as tunnels do', async () => {
    const { leg, peer } = await connectedClient();
    let cancel: () => void = () => undefined;
    const done = new Promise<DialResult>((resolve) => (cancel = () => resolve({ kind: 'joined' })));
    const joined = join(leg, () => dialOf(done, cancel));
    peer.destroy();
    await expect(joined).resolves.toEqual({ kind: 'joined' });
    leg.close();
  });
});

function join(client: Leg, dial: () => Dial): Promise<DialResult> {
  return new Promise((reached, failed) =>
    joinDirect([{ host: '192.0.2.1', port: 443 }], client, { ...options(), dial }, { reached, failed }),
  );
}

function options() {
  return {
    dial: (...args: Parameters<typeof transport.dial>) => transport.dial(...args),
    deadline: performance.now() + 10_000,
  };
}

/** A client's leg, as a door is given it, and the client's own end. */
async function connectedClient(): Promise<{ leg: Leg; peer: net.Socket }> {
  let accepted: (leg: Leg) => void = () => undefined;
  const leg = new Promise<Leg>((resolve) => (accepted = resolve));
  const listening = await transport.listen({ host: '127.0.0.1', port: 0 }, (client) => accepted(client));
  const peer = net.connect(listening.address);
  peer.on('error', () => peer.destroy());
  sockets.push(peer);
  const client = await leg;
  await listening.close();
  return { leg: client, peer };
}

function addressOf(server: net.Server): { host: string; port: number } {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { host: '127.0.0.1', port: address.port };
}
