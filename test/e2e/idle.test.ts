/** What a process costs that nobody uses: with a timer that fires a hundred times a second it would wake up ten times as often. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { cpuMsOf, waitsOf } from './harness/process-facts.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const WINDOW_MS = 1_000;
/** A new process still tidies up, compiles and collects. */
const SETTLED_WITHIN_MS = 30_000;

let proxy: Running;

beforeAll(async () => {
  proxy = await startSallyport(configText({}));
});

afterAll(() => proxy.stop());

it('wakes up a few times a second, and does not spin', async () => {
  await expect
    .poll(useOfASecond, { interval: 0, timeout: SETTLED_WITHIN_MS })
    .toEqual({ wakesSeldom: true, isAsleep: true });
});

async function useOfASecond() {
  const [cpuMs, waits, startedAt] = [cpuMsOf(proxy), waitsOf(proxy), performance.now()];
  await delay(WINDOW_MS);
  const elapsedMs = performance.now() - startedAt;
  return {
    wakesSeldom: (waitsOf(proxy) - waits) / elapsedMs < 0.025,
    // On a virtual machine that rests, a wake-up was seen to take from 0.2 to 5 ms: the time says no more than this.
    isAsleep: cpuMsOf(proxy) - cpuMs < elapsedMs / 4,
  };
}
