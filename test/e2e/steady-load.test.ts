/**
 * Reloads, takeovers and a drain under a steady stream of tunnels: none fails, none is cut. `npm run restarts` runs the long version of it:
 * 100 reloads and 20 takeovers at 500 tunnels a second, and compares the set-up times with those of the stretches between.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { configText } from './harness/config-text.ts';
import { type Load, type LoadMessage, startLoad } from './harness/load.ts';
import { echoOrigin, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { endSuccessors, signal } from './harness/successors.ts';

const isLong = process.env['SALLYPORT_STEADY'] === 'long';
/** Each is a stretch in which nothing changes, and one in which something does all the time. */
const ROUNDS = isLong ? 3 : 1;
const RELOADS = isLong ? 34 : 6;
const TAKEOVERS = isLong ? 7 : 2;
const QUIET_MS = isLong ? 5_000 : 500;
/** A process that has just started is slower, and so is the load. */
const WARM_UP_MS = isLong ? 6_000 : 1_000;
const perSecond = isLong ? 500 : 100;
/** For its start a successor takes the CPU time of several thousand tunnels. Without a pause, another one would always be starting. */
const BETWEEN_TAKEOVERS_MS = isLong ? 3_000 : 200;
const LONGEST_MS = 1_000;
const TIMEOUT_MS = isLong ? 600_000 : 90_000;

let proxy: Running;
let echo: Origin;
let load: Load;
afterEach(async () => {
  load.kill();
  echo.close();
  endSuccessors(proxy);
  await proxy.stop();
});

async function start(): Promise<void> {
  echo = await echoOrigin();
  proxy = await startSallyport(configText({ more: 'log: { access: false }\nlimits: { tunnels_per_client: 10000 }' }));
  const port = proxy.port('explicit');
  load = startLoad('steady', { port, echoPort: echo.port, perSecond, longestMs: LONGEST_MS });
  await delay(WARM_UP_MS);
}

async function report(kind: 'report' | 'stop', what: string): Promise<LoadMessage> {
  load.tell({ kind });
  const told = await load.next();
  if (isLong) console.log(what, JSON.stringify(told));
  return told;
}

/** Has the load go on by itself for a while and then through changes, in turn. None of its tunnels may fail. */
async function alternate(what: string, change: () => Promise<void>): Promise<void> {
  const [without, during]: [number[], number[]] = [[], []];
  await report('report', 'warming up');
  for (let round = 0; round < ROUNDS; round += 1) {
    await delay(QUIET_MS);
    without.push(Number((await flawless('report', `without ${what}`))['p99']));
    await change();
    during.push(Number((await flawless('report', what))['p99']));
  }
  await flawless('stop', `after ${what}`);
  const [before, after] = [median(without), median(during)];
  const times = (after / before).toFixed(1);
  if (isLong) console.log(`${what}: p99 of the set-up ${before.toFixed(1)} -> ${after.toFixed(1)} ms, x ${times}`);
}

async function flawless(kind: 'report' | 'stop', what: string): Promise<LoadMessage> {
  const told = await report(kind, what);
  expect(told).toMatchObject({ failures: {} });
  if (kind === 'report') expect(Number(told['opened'])).toBeGreaterThan(0);
  return told;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** One more listener, or not, so that each reload opens or closes one. */
function file(number: number): string {
  const more = number % 2 === 0 ? '  - { name: more, mode: connect, bind: "127.0.0.1:0" }\n' : '';
  const text = configText({ more: 'log: { access: false }\nlimits: { tunnels_per_client: 10000 }' });
  return text.replace('admin:', `${more}admin:`);
}

/** Resolves with the successor's process id. */
async function takeOver(pid: number): Promise<number> {
  const before = proxy.lines.length;
  signal(pid, 'SIGUSR1');
  const served = (): unknown => proxy.lines.slice(before).find(({ msg }) => msg === 'successor serves')?.['pid'];
  await expect.poll(served, { timeout: 60_000 }).toBeTypeOf('number');
  return Number(served());
}

/** Who comes behind the signal is refused, by the process or by the kernel. */
const REFUSED = ['503', 'ECONNREFUSED', 'ECONNRESET'];

describe('under a steady stream of tunnels', () => {
  it(
    'reloads that open and close listeners lose none',
    async () => {
      await start();
      await alternate('reloads', async () => {
        for (let reload = 0; reload < RELOADS; reload += 1) {
          expect(await proxy.reload(file(reload))).toMatchObject({ msg: 'reloaded' });
          await delay(100);
        }
      });
    },
    TIMEOUT_MS,
  );

  it(
    'takeovers lose none',
    async () => {
      await start();
      let pid = Number(proxy.process.pid);
      await alternate('takeovers', async () => {
        for (let takeover = 0; takeover < TAKEOVERS; takeover += 1) {
          pid = await takeOver(pid);
          await delay(BETWEEN_TAKEOVERS_MS);
        }
      });
    },
    TIMEOUT_MS,
  );

  it(
    'a drain truncates none that is up',
    async () => {
      await start();
      proxy.process.kill('SIGTERM');
      await proxy.line({ msg: 'draining' });
      const told = await report('stop', 'SIGTERM');
      expect(Object.keys(Object(told['failures']) as object).filter((why) => !REFUSED.includes(why))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
