import { describe, expect, it } from 'vitest';
import { LINGER_MS, type Transport } from '../../src/index.ts';
import { isConnected } from '../../src/portable/node-handle.ts';
import { patternOf } from './bytes.ts';
import type { FollowedTunnel } from './followed.ts';
import type { Peer } from './peer.ts';
import { useStage, type Way } from './stage.ts';

const MIB = 1024 * 1024;
const FLOOD = 64 * MIB;

export function describeDeadlines(create: () => Transport, way: Way): void {
  describe('a splice that is ended from our side', () => {
    const stage = useStage(create, way);

    it('ends a silent tunnel with FINs at idle, not before', async () => {
      const before = performance.now();
      const { client, upstream, splice } = await stage().openTunnel({ idleTimeoutMs: 150 });
      expect((await splice.done).end).toBe('idle');
      expect(performance.now() - before).toBeGreaterThanOrEqual(150);
      expect(await Promise.all([client.departure, upstream.departure])).toEqual(['end', 'end']);
    });

    it.each(['client', 'upstream'] as const)('is not idle while the %s talks', async (talker) => {
      const tunnel = await stage().openTunnel({ idleTimeoutMs: 400 });
      const sentAt = await talk(() => tunnel[talker].send('x'));
      const { end, endedAt } = await tunnel.splice.done;
      expect(end).toBe('idle');
      expect(silenceBefore(endedAt, sentAt)).toBeGreaterThanOrEqual(400);
    });

    // A tunnel that a dial makes has just come up.
    const ofSplice = it.runIf(way === 'splice');

    ofSplice('counts for idle how long it was quiet before', async () => {
      const before = performance.now();
      const { splice } = await stage().openTunnel({ idleTimeoutMs: 60_150, quietMs: 60_000 });
      expect((await splice.done).end).toBe('idle');
      expect(performance.now() - before).toBeGreaterThanOrEqual(150);
    });

    ofSplice('counts from the first byte again, where it was quiet before', async () => {
      const tunnel = await stage().openTunnel({ idleTimeoutMs: 400, quietMs: 300 });
      const sentAt = await talk(() => tunnel.upstream.send('x'));
      const { end, endedAt } = await tunnel.splice.done;
      expect(end).toBe('idle');
      expect(silenceBefore(endedAt, sentAt)).toBeGreaterThanOrEqual(400);
    });

    it('ends at half_close after a FIN with the other side silent', async () => {
      const { client, upstream, splice } = await stage().openTunnel({ halfCloseTimeoutMs: 150 });
      client.finish();
      expect((await splice.done).end).toBe('half_close');
      expect(await Promise.all([client.departure, upstream.departure])).toEqual(['end', 'end']);
    });

    it('lets the open side talk beyond half_close', async () => {
      const { client, upstream, splice } = await stage().openTunnel({ halfCloseTimeoutMs: 400 });
      upstream.finish();
      const sentAt = await talk(() => client.send('x'));
      const { end, endedAt } = await splice.done;
      expect(end).toBe('half_close');
      expect(silenceBefore(endedAt, sentAt)).toBeGreaterThanOrEqual(400);
    });

    it('ends at its lifetime though bytes flow', async () => {
      const before = performance.now();
      const { client, splice } = await stage().openTunnel({ lifetimeMs: 300 });
      const talking = setInterval(() => client.send('x'), 20);
      expect((await splice.done).end).toBe('lifetime');
      clearInterval(talking);
      expect(performance.now() - before).toBeGreaterThanOrEqual(300);
      expect(await client.departure).toBe('end');
    });

    it('ends for the reason it is cut with, the first one', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      splice.cut();
      client.reset();
      expect((await splice.done).end).toBe('cut');
      expect(await upstream.departure).toBe('end');
    });

    it('is not touched by a cut after its end', async () => {
      const { client, splice } = await stage().openTunnel();
      client.reset();
      const result = await splice.done;
      splice.cut();
      expect(await splice.done).toBe(result);
      expect(result.end).toBe('client_reset');
    });

    it('delivers what it has taken before the FIN of a cut, and counts just that', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      await expect.poll(() => splice.counts().bytesUp).toBeGreaterThan(100_000);
      splice.cut();
      upstream.readOn();
      const received = await upstream.receivesAll();
      const { bytesUp } = await splice.done;
      expect(received.length).toBe(bytesUp);
      expect(received.equals(patternOf(FLOOD).subarray(0, bytesUp))).toBe(true);
    });

    it('ends for the reason it was cut with, though the transport stops before it has ended', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      await expect.poll(() => splice.counts().bytesUp).toBeGreaterThan(100_000);
      splice.cut();
      await stage().transport.stop();
      expect((await splice.done).end).toBe('cut');
    });

    it('does not reset a peer of whose bytes megabytes were not taken', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.send(patternOf(FLOOD));
      await upstream.receives(FLOOD);
      // The kernel has learnt to take much of it by now.
      upstream.stall();
      await stuff(client);
      splice.cut();
      upstream.readOn();
      expect((await splice.done).end).toBe('cut');
      expect(await client.departure).toBe('end');
      await new Promise((resolve) => setTimeout(resolve, 1.5 * LINGER_MS));
      expect(isConnected(client.socket)).toBe(true);
    });

    it.each([1, 3])('counts what its reader took of the last %i MiB until it was given up', async (mib) => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      await countAtRest(splice);
      splice.cut();
      upstream.readOn();
      // There may be less than that.
      await Promise.race([upstream.receives(mib * MIB), upstream.departure]);
      upstream.stall();
      const { bytesUp } = await splice.done;
      upstream.readOn();
      expect((await upstream.receivesAll()).length).toBe(bytesUp);
    });

    it('waits for a reader that never drains no longer than it lingers, and counts nothing that stayed behind', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      const bytesUp = await countAtRest(splice);
      const before = performance.now();
      splice.cut();
      const ended = await splice.done;
      expect(ended).toMatchObject({ end: 'cut', bytesUp });
      // By the clock of the transport: this thread may hear of it later.
      expect(ended.endedAt - before).toBeLessThan(LINGER_MS * 2);
    });
  });
}

/** Sends as much as the kernel takes, and little more. */
async function stuff(peer: Peer): Promise<void> {
  const piece = patternOf(256 * 1024);
  for (let isTaken = true; isTaken;) {
    const isLate = new Promise<boolean>((resolve) => setTimeout(resolve, 200, false));
    // A socket that was closed meanwhile takes nothing, and says so at once.
    isTaken = await Promise.race([peer.sends(piece).then(() => !peer.socket.destroyed), isLate]);
  }
}

/** The bytes that went up, once the tunnel is stuffed and the count stands still. */
async function countAtRest(splice: Pick<FollowedTunnel, 'counts'>): Promise<number> {
  let [now, looks] = [-1, 0];
  // On a busy machine a thread may stand still for longer than one interval.
  const isAtRest = (): boolean => {
    const { bytesUp } = splice.counts();
    looks = bytesUp === now ? looks + 1 : 0;
    now = bytesUp;
    return now > 100_000 && looks === 3;
  };
  await expect.poll(isAtRest, { interval: 200, timeout: 30_000 }).toBe(true);
  return now;
}

/** Calls `say` for longer than the deadline under test, at short intervals; returns when it was called. */
function talk(say: () => void): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const saidAt: number[] = [];
    const talking = setInterval(() => {
      saidAt.push(performance.now());
      say();
      if (saidAt.length < 25) return;
      clearInterval(talking);
      resolve(saidAt);
    }, 30);
  });
}

/**
 * How long nothing had been said, rounded up to the millisecond, in which data threads measure. On a busy machine the talk itself may
 * have stood still for longer than the deadline: what was said after the end does not count.
 */
function silenceBefore(endedAt: number, saidAt: readonly number[]): number {
  return Math.ceil(endedAt - Math.max(...saidAt.filter((at) => at < endedAt)));
}
