/**
 * Reloads, takeovers and a drain under a steady stream of tunnels: none fails, none is cut. `npm run restarts` runs the long version of it:
 * 100 reloads and 20 takeovers at 500 tunnels a second, with the set-up times.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { configText } from './harness/config-text.ts';
import { type Load, type LoadMessage, startLoad } from './harness/load.ts';
import { echoOrigin, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const isLong = process.env['SALLYPORT_STEADY'] === 'long';
const RELOADS = isLong ? 100 : 6;
const TAKEOVERS = isLong ? 20 : 2;
const perSecond = isLong ? 500 : 100;
const LONGEST_MS = 1_000;
const TIMEOUT_MS = isLong ? 600_000 : 90_000;

let proxy: Running;
let echo: Origin;
let load: Load;
afterEach(async () => {
  load.kill();
  echo.close();
  for (const { msg, pid } of proxy.lines) if (msg === 'successor serves') signal(Number(pid), 'SIGTERM');
  await proxy.stop();
});

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

async function start(): Promise<void> {
  echo = await echoOrigin();
  proxy = await startSallyport(configText({ more: 'log: { access: false }\nlimits: { tunnels_per_client: 10000 }' }));
  const port = proxy.port('explicit');
  load = startLoad('steady', { port, echoPort: echo.port, perSecond, longestMs: LONGEST_MS });
  await delay(1_000);
}

async function report(kind: 'report' | 'stop', what: string): Promise<LoadMessage> {
  load.tell({ kind });
  const told = await load.next();
  if (isLong) console.log(what, JSON.stringify(told));
  return told;
}

/** One more listener, or not, so that each reload opens or closes one. */
function file(number: number): string {
  const more = number % 2 === 0 ? '  - { name: more, mode: connect, bind: "127.0.0.1:0" }\n' : '';
  const text = configText({ more: 'log: { access: false }\nlimits: { tunnels_per_client: 10000 }' });
  return text.replace('admin:', `${more}admin:`);
}

/** Who comes behind the signal is refused, by the process or by the kernel. */
const REFUSED = ['503', 'ECONNREFUSED', 'ECONNRESET'];

describe('under a steady stream of tunnels', () => {
  it(
    'reloads that open and close listeners lose none',
    async () => {
      await start();
      await delay(2_000);
      await report('report', 'without reloads');
      for (let reload = 0; reload < RELOADS; reload += 1) {
        expect(await proxy.reload(file(reload))).toMatchObject({ msg: 'reloaded' });
        await delay(100);
      }
      const told = await report('stop', `${RELOADS} reloads`);
      expect(told).toMatchObject({ failures: {} });
      expect(Number(told['opened'])).toBeGreaterThan(RELOADS);
    },
    TIMEOUT_MS,
  );

  it(
    'takeovers lose none',
    async () => {
      await start();
      await report('report', 'without takeovers');
      let pid = Number(proxy.process.pid);
      for (let takeover = 0; takeover < TAKEOVERS; takeover += 1) {
        const before = proxy.lines.length;
        signal(pid, 'SIGUSR1');
        const served = (): unknown => proxy.lines.slice(before).find(({ msg }) => msg === 'successor serves')?.['pid'];
        await expect.poll(served, { timeout: 60_000 }).toBeTypeOf('number');
        pid = Number(served());
        await delay(200);
      }
      expect(await report('stop', `${TAKEOVERS} takeovers`)).toMatchObject({ failures: {} });
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
