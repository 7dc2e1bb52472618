/** A real Redis that a reload gives up. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseIp } from '@sallyport/addresses';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLimits } from '../../src/limits/limits.ts';
import { keepRedisLink } from '../../src/limits/shared/redis-link.ts';
import { SharedLimits } from '../../src/limits/shared/shared-limits.ts';

const isRedisThere = spawnSync('redis-server', ['--version']).status === 0;
if (!isRedisThere) process.stderr.write('SKIPPED: redis-server is not installed\n');

const LIMITS = { tunnels: 100, tunnels_per_client: 10 };
const LISTENER = { name: 'door', limits: LIMITS };
const client = parseIp('192.0.2.7');

const folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'));
let server: ChildProcess;
let url: string;

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo; // A TCP server that listens has one.
  listening.close();
  await once(listening, 'close');
  return port;
}

describe.skipIf(!isRedisThere)('a store that is given up', () => {
  beforeAll(async () => {
    const port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    server = spawn('redis-server', options, { cwd: folder, stdio: 'ignore' });
  });

  afterAll(() => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets the places back, though the process is stalled just then', async () => {
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
