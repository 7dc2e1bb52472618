/** Limits that replicas hold together by a real Redis, which may be slow, away, or back with nothing in it. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { configText } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, type Origin, run } from './harness/peers.ts';
import { freePort } from './harness/ports.ts';
import { isInstalled } from './harness/programs.ts';
import { type Redis, startRedis } from './harness/redis.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const CLIENT = '127.0.0.1';
const LIMIT = 40;

let echo: Origin;
let redis: Redis;
let replicas: readonly Running[];
let clients: Client[] = [];

/** It may use no other keys than those of its prefix. */
const NARROW_USER = ['--user', 'narrow', 'on', '>s3same', '~narrow:*', '+@all'];

const store = (prefix = 'test'): string => `{ redis: "redis://127.0.0.1:${redis.port}", prefix: ${prefix} }`;
const limits = (text: string): string => configText({ more: `limits: { ${text} }` });

describe.skipIf(!isInstalled('redis-server'))('limits.store: redis', () => {
  beforeAll(async () => {
    echo = await echoOrigin();
    redis = await startRedis(undefined, NARROW_USER);
    const yaml = limits(`tunnels_per_client: ${LIMIT}, store: ${store()}`);
    replicas = await Promise.all([1, 2, 3].map(() => startSallyport(yaml)));
  });

  afterEach(leave);

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await redis.kill();
    echo.close();
  });

  it('admits N over three replicas, and not one more, of 300 that come at once', async () => {
    const answers = await untilInTime(() =>
      Promise.all(Array.from({ length: 300 }, (_, index) => connectBy(replica(index)))),
    );
    const counts = (status: string): number => answers.filter((answer) => answer === status).length;
    expect({ admitted: counts('200'), refused: counts('429') }).toEqual({ admitted: LIMIT, refused: 300 - LIMIT });
  }, 60_000);

  it('gives a place back to all when a tunnel ends', async () => {
    const answers = await untilInTime(async () => {
      await fill(replica(0), LIMIT);
      const whenFull = await connectBy(replica(1));
      clients.shift()?.socket.destroy();
      await vi.waitUntil(async () => (await connectBy(replica(2))) === '200', { timeout: 30_000, interval: 20 });
      return [whenFull, await connectBy(replica(1))];
    });
    expect(answers).toEqual(['429', '429']);
  });

  it('says again what is held when Redis comes back with nothing', async () => {
    await fill(replica(0), LIMIT);
    const marks = replicas.map(({ lines }) => lines.length);
    await redis.kill();
    await Promise.all(replicas.map((each, at) => each.line({ msg: 'limits store away' }, marks[at])));
    expect(await Promise.all(replicas.map((each) => each.metric('limits_store_up')))).toEqual([0, 0, 0]);
    // Each by itself: the first has as many as it may have, the second none.
    expect([await connectBy(replica(0)), await connectBy(replica(1))]).toEqual(['429', '200']);
    redis = await startRedis(redis.port, NARROW_USER);
    await Promise.all(replicas.map((each, at) => each.line({ msg: 'limits store up' }, marks[at])));
    await untilRefused(replica(2));
  });

  it('hears of places that were given back while it refused to write', async () => {
    const own = await startRedis();
    const tell = (...words: string[]) => run('redis-cli', ['-p', String(own.port), ...words]);
    const holds = async (): Promise<boolean> => (await tell('keys', '*:places:*')).stdout.trim() !== '';
    const proxy = await startSallyport(limits(`tunnels_per_client: 6, store: { redis: "${own.url}" }`));
    await proxy.line({ msg: 'limits store up' });
    await fill(proxy, 3);
    await vi.waitUntil(holds);
    await tell('replicaof', '127.0.0.1', '1');
    for (const { socket } of clients) socket.destroy();
    await proxy.line({ msg: 'limits store away' });
    const mark = proxy.lines.length;
    await tell('replicaof', 'no', 'one');
    await proxy.line({ msg: 'limits store up' }, mark);
    // Otherwise only the end of their lease would.
    await vi.waitUntil(async () => !(await holds()), { timeout: 10_000 });
    await stop(proxy);
    await own.kill();
  });

  it('goes on as if nothing were where Redis has forgotten the script', async () => {
    const marks = replicas.map(({ lines }) => lines.length);
    const flush = () => run('redis-cli', ['-p', String(redis.port), 'script', 'flush']);
    const answer = await untilInTime(async () => {
      await flush();
      await fill(replica(0), LIMIT / 2);
      await flush();
      await fill(replica(1), LIMIT / 2);
      return connectBy(replica(2));
    });
    expect(answer).toBe('429');
    const said = replicas.flatMap(({ lines }, at) => lines.slice(marks[at]));
    expect(said.filter(({ msg }) => String(msg).startsWith('limits store'))).toEqual([]);
  });

  it('costs nobody more than a moment when Redis stands still, and says so once', async () => {
    const [first] = replicas;
    if (first === undefined) throw new Error('no replica');
    const mark = first.lines.length;
    const perTunnelMs = async (count: number): Promise<number> => {
      const startedAt = performance.now();
      for (let tunnel = 0; tunnel < count; tunnel++) expect(await connectBy(first)).toBe('200');
      return (performance.now() - startedAt) / count;
    };
    const usualMs = await perTunnelMs(10);
    redis.signal('SIGSTOP');
    const withoutAnswerMs = await perTunnelMs(20);
    await first.line({ msg: 'limits store away' }, mark);
    expect(await first.metric('limits_store_up')).toBe(0);
    redis.signal('SIGCONT');
    await first.line({ msg: 'limits store up' }, mark);
    expect(await first.metric('limits_store_up')).toBe(1);
    const changes = first.lines.slice(mark).filter(({ msg }) => String(msg).startsWith('limits store'));
    expect(changes.map(({ msg }) => msg)).toEqual(['limits store away', 'limits store up']);
    // Some 4 ms more, for as long as Redis is not given up. To wait until the connection is given up would take a quarter of a second.
    expect(withoutAnswerMs).toBeLessThan(5 * usualMs + 50);
  });

  it('shares new_per_client', async () => {
    const yaml = limits(`new_per_client: "5/s", store: ${store('rate')}`);
    const pair = await Promise.all([startSallyport(yaml), startSallyport(yaml)]);
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => connectBy(pair[index % 2])));
    const seconds = (performance.now() - startedAt) / 1000;
    const admitted = answers.filter((answer) => answer === '200').length;
    expect(admitted).toBeGreaterThanOrEqual(5);
    expect(admitted).toBeLessThanOrEqual(5 + Math.ceil(5 * seconds) + (await lateAnswers(pair)));
    await stop(...pair);
  });

  it('follows a reload, there and back', async () => {
    const proxy = await startSallyport(limits('tunnels_per_client: 2'));
    expect(await proxy.metric('limits_store_up')).toBe(1);
    await fill(proxy, 2);
    await proxy.reload(limits(`tunnels_per_client: 2, store: ${store('reload')}`));
    await proxy.line({ msg: 'limits store up' });
    const other = await startSallyport(limits(`tunnels_per_client: 2, store: ${store('reload')}`));
    // Held since before there was a store.
    await untilRefused(other);
    await other.reload(limits('tunnels_per_client: 2'));
    expect(await connectBy(other)).toBe('200');
    await stop(proxy, other);
  });

  it('counts nobody twice where a reload has another way to the same store', async () => {
    const yaml = (host: string): string =>
      limits(`tunnels_per_client: 4, store: { redis: "redis://${host}:${redis.port}", prefix: way }`);
    const proxy = await startSallyport(yaml('127.0.0.1'));
    await fill(proxy, 3);
    const mark = proxy.lines.length;
    await proxy.reload(yaml('localhost'));
    await proxy.line({ msg: 'limits store up' }, mark);
    await vi.waitUntil(async () => (await replicasThatHold('way:places:*:*')) === 1, { timeout: 30_000 });
    await fill(proxy, 1);
    await untilRefused(proxy);
    await stop(proxy);
  });

  it('leaves nothing behind in a store that a reload gives up', async () => {
    const proxy = await startSallyport(limits(`tunnels_per_client: 4, store: ${store('given-up')}`));
    await fill(proxy, 3);
    expect(await replicasThatHold('given-up:places:*:*')).toBe(1);
    await proxy.reload(limits('tunnels_per_client: 4'));
    await vi.waitUntil(async () => (await replicasThatHold('given-up:places:*:*')) === 0, { timeout: 30_000 });
    await stop(proxy);
  });

  it('leaves nothing behind in a store that is given up because it is slow', async () => {
    const proxy = await startSallyport(limits(`tunnels_per_client: 4, store: ${store('slow')}`));
    await fill(proxy, 3);
    expect(await replicasThatHold('slow:places:*:*')).toBe(1);
    redis.signal('SIGSTOP');
    try {
      await proxy.line({ msg: 'limits store away' });
      await proxy.reload(limits('tunnels_per_client: 4'));
    } finally {
      redis.signal('SIGCONT');
    }
    await vi.waitUntil(async () => (await replicasThatHold('slow:places:*:*')) === 0, { timeout: 30_000 });
    await stop(proxy);
  }, 60_000);

  it('says nothing more of a store that a reload gives up', async () => {
    const connections = async (): Promise<number> => {
      const { stdout } = await run('redis-cli', ['-p', String(redis.port), 'client', 'list']);
      return stdout.match(/ name=sallyport /g)?.length ?? 0;
    };
    const before = await connections();
    const proxy = await startSallyport(limits(`tunnels_per_client: 4, store: ${store('unheard')}`));
    await proxy.line({ msg: 'limits store up' });
    const mark = proxy.lines.length;
    await proxy.reload(limits('tunnels_per_client: 4'));
    await vi.waitUntil(async () => (await connections()) === before, { timeout: 30_000, interval: 20 });
    expect(await proxy.metric('limits_store_up')).toBe(1);
    expect(proxy.lines.slice(mark).map(({ msg }) => msg)).not.toContain('limits store away');
    await stop(proxy);
  });

  it.each(['the store', 'the limit'])(
    'knows what a listener with its own limit holds when a reload brings %s',
    async (what) => {
      const prefix = what === 'the store' ? 'own-store' : 'own-limit';
      const own = ['limits: { tunnels_per_client: 2 }'];
      const shared = `limits: { store: ${store(prefix)} }`;
      const proxy = await startSallyport(
        what === 'the store' ? configText({ explicit: own }) : configText({ more: shared }),
      );
      await fill(proxy, 2);
      await proxy.reload(configText({ explicit: own, more: shared }));
      await vi.waitUntil(async () => (await replicasThatHold(`${prefix}:places:explicit:*`)) === 1, {
        timeout: 30_000,
      });
      await stop(proxy);
    },
  );

  it('counts as a user of Redis who may touch the keys of its prefix alone', async () => {
    const redisOf = (prefix: string): string =>
      `store: { redis: "redis://narrow:s3same@127.0.0.1:${redis.port}", prefix: ${prefix} }`;
    const pair = await Promise.all(
      [1, 2].map(() => startSallyport(limits(`tunnels_per_client: 4, new_per_client: "1000/s", ${redisOf('narrow')}`))),
    );
    await Promise.all(pair.map((proxy) => proxy.line({ msg: 'limits store up' })));
    await fill(pair[0], 4);
    await untilRefused(pair[1]);
    await stop(...pair);
    const elsewhere = await startSallyport(limits(redisOf('wide')));
    const away = await elsewhere.line({ msg: 'limits store away' });
    expect(away['detail']).toMatch(/^NOPERM /);
    await stop(elsewhere);
  });

  it('starts without Redis, and shows no password', async () => {
    const nobody = await freePort();
    const yaml = limits(`store: { redis: "redis://user:s3same@127.0.0.1:${nobody}/2" }`);
    const proxy = await startSallyport(yaml);
    const away = await proxy.line({ msg: 'limits store away' });
    expect(away).toMatchObject({ level: 'warn', store: `127.0.0.1:${nobody}` });
    expect(await connectBy(proxy)).toBe('200');
    expect(JSON.stringify(proxy.lines) + proxy.stderr()).not.toContain('s3same');
    await stop(proxy);
  });
});

/** Nothing that is still open holds it. */
async function stop(...proxies: readonly Running[]): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
}

function replica(index: number): Running | undefined {
  return replicas[index % replicas.length];
}

/** The status of the answer; the tunnel stays open. */
async function connectBy(proxy: Running | undefined): Promise<string | undefined> {
  if (proxy === undefined) throw new Error('no such replica');
  const client = await openClient(proxy.port('explicit'), CLIENT);
  clients.push(client);
  client.socket.write(`CONNECT origin.test:${echo.port} HTTP/1.1\r\nHost: origin.test:${echo.port}\r\n\r\n`);
  return (await client.hears('\r\n\r\n')).toString('latin1').split(' ')[1];
}

async function fill(proxy: Running | undefined, count: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: count }, () => connectBy(proxy)));
  expect(new Set(answers)).toEqual(new Set(['200']));
}

/** Everybody leaves, and Redis knows it. */
async function leave(): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  clients = [];
  const places = ['-p', String(redis.port), 'keys', 'test:places:*'];
  await vi.waitUntil(async () => (await run('redis-cli', places)).stdout.trim() === '', { timeout: 30_000 });
}

/** A round takes half a second. */
const ROUNDS = 40;

/**
 * What the first round gave in which every replica had its answers in time. On a machine that is busy with other things one may be late, and
 * then a replica counts by itself: that round tells nothing.
 */
async function untilInTime<Result>(play: () => Promise<Result>): Promise<Result> {
  for (let round = 0; round < ROUNDS; round++) {
    const before = await lateAnswers(replicas);
    const result = await play();
    if ((await lateAnswers(replicas)) === before) return result;
    await leave();
  }
  throw new Error(`in none of ${ROUNDS} rounds was Redis always in time`);
}

/** As above: one that was let in meanwhile only takes one place more. */
async function untilRefused(proxy: Running | undefined): Promise<void> {
  await vi.waitUntil(async () => (await connectBy(proxy)) === '429', { timeout: 30_000 });
}

/** How many replicas hold places of our one client. */
async function replicasThatHold(keys: string): Promise<number> {
  const cli = async (...args: readonly string[]): Promise<string> =>
    (await run('redis-cli', ['-p', String(redis.port), ...args])).stdout.trim();
  // The scope of all listeners is called `*`.
  const key = await cli('keys', keys.replace(':*:', ':[*]:'));
  return key === '' ? 0 : Number(await cli('hlen', key));
}

async function lateAnswers(proxies: readonly Running[]): Promise<number> {
  const counts = await Promise.all(proxies.map((each) => each.metric('limits_store_late_total')));
  return counts.reduce<number>((sum, count = 0) => sum + count, 0);
}
