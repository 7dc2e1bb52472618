import { once } from 'node:events';
import net from 'node:net';
import { createPortableTransport, type Address, type DialResult } from '@sallyport/tunnel-splice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ATTEMPT_DELAY_MS, dialFirst, MAX_ATTEMPTS } from '../../src/egress/race.ts';
import { startSilentListener, type SilentListener } from './silent-listener.ts';

const transport = createPortableTransport();
const servers: net.Server[] = [];
let silent: SilentListener;

beforeAll(async () => {
  silent = await startSilentListener();
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

afterAll(async () => {
  await transport.stop();
  await silent.stop();
});

describe('dialFirst', () => {
  it('dials a single address', async () => {
    const server = await listen();
    const { result, attempts } = await race([server.address]);
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toEqual(['ipv4 ok']);
  });

  it('goes to the next address at once when one refuses', { retry: 2 }, async () => {
    const server = await listen();
    const { result, attempts, tookMs } = await race([await refusing(), await refusing(), server.address]);
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toEqual(['ipv4 refused', 'ipv4 refused', 'ipv4 ok']);
    // Waiting for both would take two delays.
    expect(tookMs).toBeLessThan(2 * ATTEMPT_DELAY_MS);
  });

  it('gives a silent address its delay, then lets the next one win and gives the first up', async () => {
    const server = await listen();
    const { result, attempts, tookMs } = await race([silent.address, server.address]);
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toEqual(['ipv4 ok']);
    expect(tookMs).toBeGreaterThanOrEqual(ATTEMPT_DELAY_MS - 1);
    expect(tookMs).toBeLessThan(ATTEMPT_DELAY_MS + 500);
  });

  it('connects to one address only when the first is quick', { retry: 2 }, async () => {
    const [first, second] = [await listen(), await listen()];
    const { result } = await race([first.address, second.address]);
    expect(peerOf(result)).toEqual(first.address);
    expect(second.connections()).toBe(0);
  });

  it('counts attempts by family', async () => {
    const refusingIpv6 = { host: '::1', port: (await refusing()).port };
    const { attempts } = await race([refusingIpv6, await refusing()]);
    expect(attempts[1]).toBe('ipv4 refused');
    expect(['ipv6 refused', 'ipv6 unreachable']).toContain(attempts[0]);
  });

  it.each([
    {
      title: 'somebody refuses, somebody is silent',
      addresses: async () => [silent.address, await refusing()],
      kind: 'refused',
    },
    { title: 'nobody answers', addresses: () => [silent.address, silent.address], kind: 'timeout' },
    { title: 'there is nothing to dial', addresses: () => [], kind: 'unreachable' },
  ])('says $kind when $title', async ({ addresses, kind }) => {
    const { result } = await race(await addresses(), 600);
    expect(result.kind).toBe(kind);
  });

  it('starts no attempt after its deadline', async () => {
    const { result, attempts } = await race(
      Array.from({ length: MAX_ATTEMPTS }, () => silent.address),
      300,
    );
    expect(result.kind).toBe('timeout');
    expect(attempts.length).toBeLessThanOrEqual(3);
  });

  it('tries no more than so many addresses', async () => {
    const dead = await refusing();
    const { attempts } = await race(Array.from({ length: 3 * MAX_ATTEMPTS }, () => dead));
    expect(attempts).toHaveLength(MAX_ATTEMPTS);
  });

  it.each([1, 2])('gives up %d attempts under way when it is cancelled', async (count) => {
    const attempts: string[] = [];
    const subject = dialFirst(
      Array.from({ length: count }, () => silent.address),
      {
        dial: (address, options) => transport.dial(address, options),
        deadline: performance.now() + 60_000,
        onAttempt: (family, result) => attempts.push(`${family} ${result}`),
      },
    );
    subject.cancel();
    expect((await subject.done).kind).toBe('cancelled');
    expect(attempts).toEqual([]);
  });

  it('closes a loser that had connected already', async () => {
    const [first, second] = [await listen(), await listen()];
    const closed = Promise.race([first, second].map(({ ended }) => ended));
    // Both connect before either is heard of, as they may with a transport that reports in batches.
    const gate = Promise.all([first, second].map(({ server }) => once(server, 'connection')));
    let started = 0;
    const subject = dialFirst([await refusing(), first.address, second.address], {
      dial: (address, options) => {
        const dial = transport.dial(address, options);
        if (++started === 1) return dial;
        return { done: gate.then(() => dial.done), cancel: () => undefined };
      },
      deadline: performance.now() + 10_000,
    });
    expect((await subject.done).kind).toBe('connected');
    await closed;
  });
});

interface Raced {
  readonly result: DialResult;
  readonly attempts: readonly string[];
  readonly tookMs: number;
}

async function race(addresses: readonly Address[], timeoutMs = 10_000): Promise<Raced> {
  const attempts: string[] = [];
  const startedAt = performance.now();
  const result = await dialFirst(addresses, {
    dial: (address, options) => transport.dial(address, options),
    deadline: startedAt + timeoutMs,
    onAttempt: (family, outcome) => attempts.push(`${family} ${outcome}`),
  }).done;
  const tookMs = performance.now() - startedAt;
  if (result.kind === 'connected') result.leg.close();
  return { result, attempts, tookMs };
}

function peerOf(result: DialResult): Address | undefined {
  return result.kind === 'connected' ? result.leg.remote : undefined;
}

interface Listener {
  readonly server: net.Server;
  readonly address: Address;
  readonly connections: () => number;
  /** Resolves at the first FIN from a client. */
  readonly ended: Promise<void>;
}

async function listen(): Promise<Listener> {
  let connections = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const server = net.createServer((socket) => {
    connections++;
    socket.on('error', () => socket.destroy());
    socket.on('end', () => end());
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return { server, address: addressOf(server), connections: () => connections, ended };
}

/** An address where nobody listens any more. */
async function refusing(): Promise<Address> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = addressOf(server);
  server.close();
  await once(server, 'close');
  return address;
}

function addressOf(server: net.Server): Address {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { host: '127.0.0.1', port: address.port };
}
