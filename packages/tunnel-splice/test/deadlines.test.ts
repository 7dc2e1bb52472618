import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../src/portable/deadlines.ts';
import { TICK_MS } from '../src/index.ts';

describe('the wheel of deadlines', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  // Short of a turn of the wheel, exactly a turn, and several turns away.
  it.each([1, 49, 50, 51, 10_000, 1024 * TICK_MS, 600_000])(
    'rings an alarm %i ms away on time, and once',
    (delayMs) => {
      const deadlines = new Deadlines();
      const dueAt = performance.now() + delayMs;
      const rungAt: number[] = [];
      deadlines.at(dueAt, () => rungAt.push(performance.now()));
      vi.advanceTimersByTime(delayMs + 2 * TICK_MS);
      vi.advanceTimersByTime(1024 * TICK_MS);
      expect(rungAt).toHaveLength(1);
      expect(rungAt[0]).toBeGreaterThanOrEqual(dueAt);
      expect(rungAt[0]).toBeLessThanOrEqual(dueAt + TICK_MS);
    },
  );

  it('rings a moment that has passed at the next tick', () => {
    const ring = vi.fn();
    new Deadlines().at(-5_000, ring);
    vi.advanceTimersByTime(TICK_MS);
    expect(ring).toHaveBeenCalledOnce();
  });

  it.each([10, -10])('does not ring what was cancelled (due in %i ms)', (delayMs) => {
    const deadlines = new Deadlines();
    const ring = vi.fn();
    deadlines.cancel(deadlines.at(performance.now() + delayMs, ring));
    vi.advanceTimersByTime(1_000);
    expect(ring).not.toHaveBeenCalled();
  });

  it('runs no timer while nothing waits', () => {
    const deadlines = new Deadlines();
    deadlines.at(Infinity, vi.fn());
    expect(vi.getTimerCount()).toBe(0);
    const first = deadlines.at(performance.now() + 100, vi.fn());
    const second = deadlines.at(performance.now() + 200, vi.fn());
    expect(vi.getTimerCount()).toBe(1);
    deadlines.cancel(first);
    deadlines.cancel(first);
    expect(vi.getTimerCount()).toBe(1);
    deadlines.cancel(second);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may be given a new alarm by one that rings', () => {
    const deadlines = new Deadlines();
    const ring = vi.fn();
    deadlines.at(performance.now() + 10, () => deadlines.at(performance.now() + 100, ring));
    vi.advanceTimersByTime(10 + 100 + 2 * TICK_MS);
    expect(ring).toHaveBeenCalledOnce();
  });
});
