import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled } from '../../../../test/e2e/harness/programs.ts';
import { type Redis, startRedis } from '../../../../test/e2e/harness/redis.ts';
import {
  COUNT_SCRIPT,
  decodeAnswers,
  encodeBatch,
  type Entry,
  LEASE_MS,
} from '../../src/limits/shared/count-script.ts';

const clientOf = (url: string) => createClient({ url, RESP: 2 }).on('error', () => undefined);
let redis: Redis;
let client: ReturnType<typeof clientOf>;

const asks: Entry = { placesKey: 'p', bucketKey: 'b', held: 0, left: undefined, wanted: 1, limit: 10, rate: Infinity };
const DAY_MS = 86_400_000;

async function count(replica: string, ...entries: readonly Entry[]) {
  const { keys, args } = encodeBatch(replica, entries);
  return decodeAnswers(await client.eval(COUNT_SCRIPT, { keys, arguments: args }), entries.length);
}

describe.skipIf(!isInstalled('redis-server'))('the script that counts', () => {
  beforeAll(async () => {
    redis = await startRedis();
    client = clientOf(redis.url);
    await client.connect();
  });

  afterEach(async () => {
    await client.flushAll();
  });

  afterAll(async () => {
    client.destroy();
    await redis.kill();
  });

  it('grants as many places as there are, over all replicas', async () => {
    expect(await count('a', { ...asks, wanted: 7 })).toEqual([{ granted: 7, waitMs: 0 }]);
    expect(await count('b', { ...asks, wanted: 7 })).toEqual([{ granted: 3, waitMs: 0 }]);
    // One of seven has left, of which nobody else was told yet.
    expect(await count('a', { ...asks, held: 6, wanted: 2 })).toEqual([{ granted: 1, waitMs: 0 }]);
  });

  it('counts what a batch under way was granted, and what it lost with all else', async () => {
    await count('a', { ...asks, wanted: 4 });
    const underWay = { ...asks, held: 1, left: 2, wanted: 9 };
    expect(await count('a', underWay)).toEqual([{ granted: 8, waitMs: 0 }]);
    await client.flushAll();
    expect(await count('a', underWay)).toEqual([{ granted: 9, waitMs: 0 }]);
  });

  it.each([
    ['whose time is up', -1],
    ['from before a clock was set back', DAY_MS],
  ])('gives back the places of a replica %s', async (_, aheadMs) => {
    await client.hSet('p', 'dead', `10 ${Date.now() + aheadMs}`);
    expect(await count('a', asks)).toEqual([{ granted: 1, waitMs: 0 }]);
    expect(await client.hKeys('p')).toEqual(['a']);
  });

  it('leaves nothing behind for longer than a lease', async () => {
    await count('a', { ...asks, rate: 5 });
    expect(await client.pTTL('p')).toBeLessThanOrEqual(LEASE_MS);
    expect(await client.pTTL('b')).toBeLessThanOrEqual(1_000);
    await count('a', { ...asks, wanted: 0 });
    expect(await client.exists('p')).toBe(0);
    expect(LEASE_MS).toBeLessThan(60_000);
  });

  it('takes a token for each place, and says when the next one comes', async () => {
    const [first] = await count('a', { ...asks, wanted: 8, rate: 5 });
    expect(first?.granted).toBe(5);
    expect(first?.waitMs).toBeGreaterThan(0);
    expect(first?.waitMs).toBeLessThanOrEqual(200);
    // A token alone comes from the same bucket.
    const [token] = await count('b', { ...asks, placesKey: undefined, rate: 5 });
    expect(token).toMatchObject({ granted: 0 });
    expect(await client.hGet('p', 'a')).toMatch(/^5 \d+$/);
  });

  it('waits no longer for a bucket than its burst, whatever its clock did', async () => {
    await client.set('b', String(Date.now() + DAY_MS));
    const [answer] = await count('a', { ...asks, rate: 5 });
    expect(answer?.waitMs).toBeLessThanOrEqual(200);
  });
});
