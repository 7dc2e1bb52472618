import { once } from 'node:events';
import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createPortableTransport, type Address, type DialResult } from '@sallyport/tunnel-splice';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ATTEMPT_DELAY_MS, type DialList, dialFirst, MAX_UNDER_WAY } from '../../src/egress/race.ts';
import { dialOf } from './dial-of.ts';
import { startSilentListener, type SilentListener } from './silent-listener.ts';

/** tcpmux: nobody listens there, and no system gives the port to another process. */
const REFUSING: Address = { host: '127.0.0.1', port: 1 };

/** The kernel has no route to it for TCP, as to any IPv6 address where there is none. */
const UNREACHABLE: Address = { host: '255.255.255.255', port: 1 };

const transport = createPortableTransport();
const servers: net.Server[] = [];
let silent: SilentListener;

beforeAll(async () => {
  silent = await startSilentListener();
});

afterEach(() => {
  vi.useRealTimers();
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

  it('goes to the next address at once when one refuses', async () => {
    const server = await listen();
    // The attempt delay never passes: only a refusal can start the next attempt.
    stopTimers();
    const { result, attempts } = await race([REFUSING, REFUSING, server.address]);
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toEqual(['ipv4 refused', 'ipv4 refused', 'ipv4 ok']);
  });

  it('gives a silent address its delay, then lets the next one win and gives the first up', async () => {
    const server = await listen();
    stopTimers();
    const raced = race([silent.address, server.address]);
    vi.advanceTimersByTime(ATTEMPT_DELAY_MS - 1);
    expect(raced.dialled).toEqual([silent.address]);
    vi.advanceTimersByTime(1);
    expect(raced.dialled).toEqual([silent.address, server.address]);
    const { result, attempts } = await raced;
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toEqual(['ipv4 ok']);
  });

  it('dials one address only when the first is quick', async () => {
    const [first, second] = [await listen(), await listen()];
    // However long the machine takes, the answer comes within the attempt delay.
    stopTimers();
    const raced = race([first.address, second.address]);
    expect(peerOf((await raced).result)).toEqual(first.address);
    vi.advanceTimersByTime(2 * ATTEMPT_DELAY_MS);
    expect(raced.dialled).toEqual([first.address]);
  });

  it('counts attempts by family', async () => {
    const refusingIpv6 = { host: '::1', port: REFUSING.port };
    const { attempts } = await race([refusingIpv6, REFUSING]);
    expect(attempts[1]).toBe('ipv4 refused');
    expect(['ipv6 refused', 'ipv6 unreachable']).toContain(attempts[0]);
  });

  it.each([
    {
      title: 'somebody refuses, somebody is silent',
      addresses: () => [silent.address, REFUSING],
      kind: 'refused',
      at: () => REFUSING,
    },
    {
      title: 'nobody answers',
      addresses: () => [silent.address, silent.address],
      kind: 'timeout',
      at: () => silent.address,
    },
    {
      title: 'nobody can be reached',
      addresses: () => [UNREACHABLE, UNREACHABLE],
      kind: 'unreachable',
      at: () => UNREACHABLE,
    },
    {
      title: 'one has no route, another is silent',
      addresses: () => [UNREACHABLE, silent.address],
      kind: 'timeout',
      at: () => silent.address,
    },
    {
      title: 'one is silent, another has no route',
      addresses: () => [silent.address, UNREACHABLE],
      kind: 'timeout',
      at: () => silent.address,
    },
    {
      title: 'one has no route, another refuses',
      addresses: () => [UNREACHABLE, REFUSING],
      kind: 'refused',
      at: () => REFUSING,
    },
    { title: 'there is nothing to dial', addresses: () => [], kind: 'unreachable', at: () => undefined },
  ])('says $kind, and of which address, when $title', async ({ addresses, kind, at }) => {
    // Eight attempt delays: on a busy machine the second attempt is late.
    const { result, failedAt } = await race(addresses(), 2_000);
    expect(result.kind).toBe(kind);
    expect(failedAt).toEqual(at());
  });

  it('starts no attempt after its deadline', async () => {
    const { result, attempts } = await race(
      Array.from({ length: 8 }, () => silent.address),
      300,
    );
    expect(result.kind).toBe('timeout');
    expect(attempts.length).toBeLessThanOrEqual(3);
  });

  it('finds the one that is good behind many that refuse', async () => {
    const [dead, server] = [REFUSING, await listen()];
    const { result, attempts } = await race([...Array.from({ length: 127 }, () => dead), server.address]);
    expect(peerOf(result)).toEqual(server.address);
    expect(attempts).toHaveLength(128);
  });

  it('gives up the oldest attempt where too many are under way, and goes on to the last address', () => {
    stopTimers();
    let [started, cancelled, highest] = [0, 0, 0];
    const nobody: Address = { host: '192.0.2.1', port: 443 };
    const subject = dialFirst(
      Array.from({ length: MAX_UNDER_WAY + 5 }, () => nobody),
      {
        dial: () => {
          started += 1;
          highest = Math.max(highest, started - cancelled);
          return dialOf(new Promise(() => undefined), () => (cancelled += 1));
        },
        deadline: Infinity,
      },
    );
    vi.advanceTimersByTime((MAX_UNDER_WAY + 5) * ATTEMPT_DELAY_MS);
    expect({ started, highest, cancelled }).toEqual({
      started: MAX_UNDER_WAY + 5,
      highest: MAX_UNDER_WAY,
      cancelled: 5,
    });
    subject.cancel();
  });

  describe('with addresses that come late', () => {
    it('waits for them where all that it has refuse', async () => {
      const [dead, server] = [REFUSING, await listen()];
      const more = late();
      const raced = race(Object.assign([dead], { late: more.late }));
      await more.asked;
      await setImmediate();
      more.come([dead, server.address]);
      const { result, attempts } = await raced;
      expect(peerOf(result)).toEqual(server.address);
      // Each address once, whichever answers it was in.
      expect(attempts).toEqual(['ipv4 refused', 'ipv4 ok']);
    });

    it('tries them before those of the other family that are left', async () => {
      const [dead, first, second] = [REFUSING, await listen(), await listen()];
      const more = late();
      stopTimers();
      const raced = race(Object.assign([silent.address, dead, second.address], { late: more.late }));
      more.come([first.address]);
      await setImmediate();
      vi.advanceTimersByTime(ATTEMPT_DELAY_MS);
      expect(peerOf((await raced).result)).toEqual(first.address);
      expect(raced.dialled).toEqual([silent.address, first.address]);
    });

    it('fails as before where they bring nothing', async () => {
      const more = late();
      more.come([]);
      const { result } = await race(Object.assign([REFUSING], { late: more.late }));
      expect(result.kind).toBe('refused');
    });

    it('waits for them no longer than its deadline, and gives them up', async () => {
      const more = late();
      const { result } = await race(Object.assign([REFUSING], { late: more.late }), 100);
      expect(result.kind).toBe('refused');
      expect(more.isCancelled()).toBe(true);
    });

    it('asks for those that nobody asks for only once the others have failed', async () => {
      const [dead, server] = [REFUSING, await listen()];
      const needless = late(false);
      expect(peerOf((await race(Object.assign([server.address], { late: needless.late }))).result)).toBeDefined();
      expect(needless.isAsked()).toBe(false);
      const needed = late(false);
      needed.come([server.address]);
      const { result } = await race(Object.assign([dead], { late: needed.late }));
      expect(peerOf(result)).toEqual(server.address);
    });
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
    const subject = dialFirst([REFUSING, first.address, second.address], {
      dial: (address, options) => {
        const dial = transport.dial(address, options);
        if (++started === 1) return dial;
        return dialOf(gate.then(() => dial.done));
      },
      deadline: performance.now() + 10_000,
    });
    expect((await subject.done).kind).toBe('connected');
    await closed;
  });
});

/** Addresses that come when they are told to. */
function late(isUnderWay = true) {
  let come: (addresses: readonly Address[]) => void = () => undefined;
  let heard: () => void = () => undefined;
  const state = { isCancelled: false, isAsked: false };
  const done = new Promise<readonly Address[]>((resolve) => (come = resolve));
  const asked = new Promise<void>((resolve) => (heard = resolve));
  const ask = () => {
    state.isAsked = true;
    heard();
    return { done, cancel: () => (state.isCancelled = true) };
  };
  return { late: { isUnderWay, ask }, come, asked, isCancelled: () => state.isCancelled, isAsked: () => state.isAsked };
}

/** The attempt delay passes only where the test lets it; the transport's own deadlines go on. */
function stopTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

interface Raced {
  readonly result: DialResult;
  readonly failedAt: Address | undefined;
  readonly attempts: readonly string[];
}

/** @returns a promise of how the race ends, with the addresses dialled so far */
function race(addresses: DialList, timeoutMs = 10_000): Promise<Raced> & { readonly dialled: readonly Address[] } {
  const attempts: string[] = [];
  const dialled: Address[] = [];
  const racing = dialFirst(addresses, {
    dial: (address, options) => {
      dialled.push(address);
      return transport.dial(address, options);
    },
    deadline: performance.now() + timeoutMs,
    onAttempt: (family, outcome) => attempts.push(`${family} ${outcome}`),
  });
  const raced = racing.done.then((result) => {
    if (result.kind === 'connected') result.leg.close();
    return { result, failedAt: racing.failedAt, attempts };
  });
  return Object.assign(raced, { dialled });
}

function peerOf(result: DialResult): Address | undefined {
  return result.kind === 'connected' ? result.leg.remote : undefined;
}

interface Listener {
  readonly server: net.Server;
  readonly address: Address;
  /** Resolves at the first FIN from a client. */
  readonly ended: Promise<void>;
}

async function listen(): Promise<Listener> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('end', () => end());
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return { server, address: addressOf(server), ended };
}

function addressOf(server: net.Server): Address {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { host: '127.0.0.1', port: address.port };
}
