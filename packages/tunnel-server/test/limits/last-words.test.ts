/** A real Redis that a reload gives up. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseIp } from '@sallyport/addresses';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isInstalled } from '../../../../test/e2e/harness/programs.ts';
import { type Redis, startRedis } from '../../../../test/e2e/harness/redis.ts';
import { createLimits } from '../../src/limits/limits.ts';
import { keepRedisLink } from '../../src/limits/shared/redis-link.ts';
import { SharedLimits } from '../../src/limits/shared/shared-limits.ts';

const LIMITS = { tunnels: 100, tunnels_per_client: 10 };
const LISTENER = { name: 'door', limits: LIMITS };
const client = parseIp('192.0.2.7');

let redis: Redis;

describe.skipIf(!isInstalled('redis-server'))('a store that is given up', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.kill());

  it('gets the places back, though the process is stalled just then', async () => {
    const { url } = redis;
    const reader = createClient({ url, RESP: 2 }).on('error', () => undefined);
    await vi.waitFor(() => reader.connect(), { timeout: 30_000, interval: 50 });
    const limits = createLimits(LIMITS);
    limits.update(LIMITS, [LISTENER]);
    const shared = new SharedLimits({
      prefix: 'given-up',
      connect: (watcher, signal) => keepRedisLink(url, watcher, signal),
      onUp: () => undefined,
      onAway: () => undefined,
      onLate: () => undefined,
    });
    limits.share(shared);
    await vi.waitUntil(() => shared.isUp, { timeout: 30_000 });
    if (client) expect(await limits.admit(LISTENER, client)).toEqual({ kind: 'admitted' });
    await vi.waitUntil(async () => (await reader.keys('given-up:places:*')).length === 1, { timeout: 30_000 });

    // Behind an immediate come the timers that are due, and then what was written meanwhile.
    await nextTurn();
    const closed = shared.close();
    for (const until = performance.now() + 400; performance.now() < until;);
    await closed;
    await vi.waitUntil(async () => (await reader.keys('given-up:places:*')).length === 0, { timeout: 10_000 });
    reader.destroy();
  });
});
