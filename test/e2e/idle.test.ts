/** What a process costs that nobody uses: with a timer that fires a hundred times a second it is a hundred times this. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { cpuMsOf, waitsOf } from './harness/process-facts.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const WINDOW_MS = 1_000;
/** A new process still tidies up, compiles and collects. */
const SETTLED_WITHIN_MS = 15_000;

let proxy: Running;

beforeAll(async () => {
  proxy = await startSallyport(configText({}));
});

afterAll(() => proxy.stop());

it('wakes up a few times a second, and takes less than half a percent of a core', async () => {
  await expect
    .poll(useOfASecond, { interval: 0, timeout: SETTLED_WITHIN_MS })
    .toEqual({ wakesSeldom: true, isCheap: true });
});

async function useOfASecond() {
  const [cpuMs, waits, startedAt] = [cpuMsOf(proxy), waitsOf(proxy), performance.now()];
  await delay(WINDOW_MS);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    wakesSeldom: (waitsOf(proxy) - waits) / seconds < 25,
    isCheap: (cpuMsOf(proxy) - cpuMs) / seconds < 5,
  };
}
