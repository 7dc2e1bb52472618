/** What is asked for all the time is decided again before its verdict ends: no client meets the end of one. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../harness/peers.ts';
import type { Running } from '../harness/sallyport.ts';
import { DOORS, keepVisiting, visit, type Wish, wordOrigin } from '../harness/visits.ts';
import { closeAll, closers, fileFor, open, start } from './repeats.ts';

afterEach(closeAll);

/** How many tunnels were repeated, and how many were decided for a client that waited. */
async function countsOf(proxy: Running): Promise<{ repeated: number; decided: number }> {
  const text = await (await fetch(`http://127.0.0.1:${proxy.port('admin')}/metrics`)).text();
  const sum = (name: string): number => {
    const lines = text.split('\n').filter((line) => line.startsWith(`sallyport_${name}{`));
    return lines.reduce((total, line) => total + Number(line.split(' ')[1]), 0);
  };
  const repeated = sum('repeated_tunnels_total');
  return { repeated, decided: sum('policy_decisions_total') - repeated };
}

/** In more than two seconds, after a moment in which it was asked for as often: a verdict holds for one. */
async function decidedWhileVisited(proxy: Running, wish: Wish): Promise<number> {
  await visitFor(500, proxy, wish);
  const before = await countsOf(proxy);
  await visitFor(2_200, proxy, wish);
  const after = await countsOf(proxy);
  return after.repeated > before.repeated ? after.decided - before.decided : Infinity;
}

async function visitFor(ms: number, proxy: Running, wish: Wish): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) expect(await visit(proxy, wish)).toBe('one');
}

describe.each(DOORS)('what is asked for all the time at the %s door', (door) => {
  const patient = { timeout: 120_000 };

  /** A slow dial on a busy machine ends a verdict early, and bars the next: then another process is looked at. */
  async function leastDecided(prepare: (proxy: Running) => Promise<void>): Promise<number> {
    let least = Infinity;
    for (let tries = 0; tries < 12 && least > 1; tries++) {
      const { port } = await open(wordOrigin('one'));
      const proxy = await start(fileFor(port, { more: 'limits: { tunnels: 8000, tunnels_per_client: 8000 }' }));
      await prepare(proxy);
      least = Math.min(least, await decidedWhileVisited(proxy, { door, host: 'origin.test', port }));
    }
    return least;
  }

  it('is decided for no client that waits when a verdict ends', patient, async () => {
    expect(await leastDecided(() => Promise.resolve())).toBeLessThan(2);
  });

  it('is so after a takeover too, whose data threads have a socket each', patient, async () => {
    const takeOver = async (proxy: Running): Promise<void> => {
      proxy.process.kill('SIGUSR1');
      const { pid } = await proxy.line({ msg: 'successor serves' });
      closers.push(() => process.kill(Number(pid), 'SIGTERM'));
      await proxy.line({ msg: 'drained', exit: 0 });
    };
    expect(await leastDecided(takeOver)).toBeLessThan(2);
  });
});

const why = await run('unshare', ['--mount', 'true']).then(
  ({ code }) => (code === 0 ? undefined : 'unshare(1) could make no mount namespace'),
  (cause: unknown) => String(cause),
);
if (why !== undefined) console.warn(`SKIPPED, a hosts file of its own: ${why}`);

it.skipIf(why !== undefined)(
  'a line of /etc/hosts that changes is heeded, however long its name was asked for',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-hosts-'));
    closers.push(() => rm(folder, { recursive: true }));
    const hosts = join(folder, 'hosts');
    const one = await open(wordOrigin('one'));
    await open(wordOrigin('other', '127.0.0.2', one.port));
    writeFileSync(hosts, '127.0.0.1 listed.test\n');
    const mounted = ['unshare', '--mount', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'];
    const proxy = await start(fileFor(one.port), {}, mounted);
    const heard: string[] = [];
    const traffic = keepVisiting(2, async () =>
      heard.push(await visit(proxy, { door: 'explicit', host: 'listed.test', port: one.port })),
    );
    const heardFor = async (ms: number): Promise<readonly string[]> => {
      const [from, until] = [heard.length, performance.now() + ms];
      await expect.poll(() => performance.now(), { timeout: ms + 10_000 }).toBeGreaterThan(until);
      return heard.slice(from);
    };
    expect(new Set(await heardFor(2_500))).toEqual(new Set(['one']));
    writeFileSync(hosts, '127.0.0.2 listed.test\n');
    await expect.poll(() => heard.at(-1), { timeout: 20_000 }).toBe('other');
    // Verdicts from before hold for a second at most.
    await heardFor(1_500);
    expect(new Set(await heardFor(500))).toEqual(new Set(['other']));
    await traffic.stop();
  },
);
