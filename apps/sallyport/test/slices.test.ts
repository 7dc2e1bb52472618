/** Work in slices: other work goes on between them, and what is no longer wanted is left. */
import { describe, expect, it } from 'vitest';
import type { Steps } from '@sallyport/config';
import { doInSlices } from '../src/slices.ts';

/** Steps of a tenth of a millisecond. */
function* busySteps(steps: number, ended: () => void = () => undefined): Steps<number> {
  try {
    for (let step = 0; step < steps; step += 1) {
      for (const until = performance.now() + 0.1; performance.now() < until;);
      yield;
    }
    return steps;
  } finally {
    ended();
  }
}

describe('doInSlices', () => {
  it('has the result of all steps', async () => {
    expect(await doInSlices(busySteps(0), () => true)).toBe(0);
    expect(await doInSlices(busySteps(1_000), () => true)).toBe(1_000);
  });

  it('lets timers and sockets have their turn, many times', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await doInSlices(busySteps(2_000), () => true);
    clearInterval(timer);
    // They take 200 ms or more, in slices of two or little more.
    expect(turns).toBeGreaterThan(10);
  });

  it('leaves the rest undone once it is no longer wanted, and lets the steps clean up', async () => {
    let looks = 0;
    let isCleanedUp = false;
    const steps = busySteps(Infinity, () => (isCleanedUp = true));
    expect(await doInSlices(steps, () => ++looks < 3)).toBeUndefined();
    expect({ looks, isCleanedUp }).toEqual({ looks: 3, isCleanedUp: true });
  });

  it('fails as its steps do', async () => {
    const failing = (function* (): Steps<never> {
      yield* busySteps(100);
      throw new Error('on the way');
    })();
    await expect(doInSlices(failing, () => true)).rejects.toThrow('on the way');
  });
});
