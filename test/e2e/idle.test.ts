/** What a process costs that nobody uses, against a timer that fires a hundred times a second, measured at the same moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { cpuMsOf, waitsOf } from './harness/process-facts.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const WINDOW_MS = 1_000;
/** A new process still tidies up, compiles and collects. */
const SETTLED_WITHIN_MS = 15_000;

/** It says so once it has run for a second: its own start costs more than a proxy that spins. */
const TIMER = "let ticks = 0; setInterval(() => (ticks += 1) === 100 && console.log('settled'), 10)";

let proxy: Running;
let ticking: ChildProcess;

beforeAll(async () => {
  proxy = await startSallyport(configText({}));
  ticking = spawn(process.execPath, ['--eval', TIMER], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(ticking.stdout ?? ticking, 'data');
});

afterAll(async () => {
  ticking.kill();
  await proxy.stop();
});

it('wakes up a few times a second, and takes less of a core than a timer that fires a hundred times', async () => {
  await expect
    .poll(useOfASecond, { interval: 0, timeout: SETTLED_WITHIN_MS })
    .toEqual({ wakesSeldom: true, isCheap: true });
});

async function useOfASecond() {
  const [cpuMs, timerMs] = [cpuMsOf(proxy), cpuMsOf({ process: ticking })];
  const [waits, startedAt] = [waitsOf(proxy), performance.now()];
  await delay(WINDOW_MS);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    wakesSeldom: (waitsOf(proxy) - waits) / seconds < 25,
    isCheap: cpuMsOf(proxy) - cpuMs < cpuMsOf({ process: ticking }) - timerMs,
  };
}
