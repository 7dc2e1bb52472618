import { createMetrics } from '@sallyport/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { quantile, SAMPLE_MS, TrafficHistory } from '../../src/admin/history.ts';

describe('the last fifteen minutes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function follow(isWanted = () => true) {
    const metrics = createMetrics({ version: '0', engine: 'portable', binary: 'none' });
    const history = new TrafficHistory(() => metrics.read(), isWanted);
    const door = metrics.forListener('explicit');
    history.start();
    return { metrics, history, door };
  }

  it('are told a second, door by door, but for how many tunnels there are', () => {
    const { history, door } = follow();
    expect(history.doors().get('explicit')).toEqual({
      tunnels: [],
      set_ups: [],
      bytes_up: [],
      bytes_down: [],
      refused: [],
    });
    for (let tunnel = 0; tunnel < 10; tunnel++) door.tunnelUp();
    door.bytes(500, 50_000);
    door.tunnelEnded('refused', 'policy', 1);
    vi.advanceTimersByTime(SAMPLE_MS);
    door.tunnelDown();
    vi.advanceTimersByTime(SAMPLE_MS);
    expect(history.doors().get('explicit')).toEqual({
      tunnels: [10, 9],
      set_ups: [2, 0],
      bytes_up: [100, 0],
      bytes_down: [10_000, 0],
      refused: [0.2, 0],
    });
  });

  it('are no more than that, and nothing while nobody wants them', () => {
    let isWanted = true;
    const { history } = follow(() => isWanted);
    vi.advanceTimersByTime(20 * 60_000);
    expect(history.doors().get('explicit')?.tunnels).toHaveLength(180);
    isWanted = false;
    vi.advanceTimersByTime(SAMPLE_MS);
    expect(history.doors().size).toBe(0);
    isWanted = true;
    vi.advanceTimersByTime(2 * SAMPLE_MS);
    expect(history.doors().get('explicit')?.tunnels).toHaveLength(1);
    history.stop();
  });

  it('have the times of look-ups of the last five of them', () => {
    const { metrics, history, door } = follow();
    expect(history.percentiles('resolve', metrics.read())).toEqual({});
    for (let look = 0; look < 100; look++) door.resolved(0.2);
    const { p50 = 0, p99 = 0 } = history.percentiles('resolve', metrics.read());
    expect([p50 > 0.1 && p50 < 0.25, p99 > 0.2 && p99 <= 0.25]).toEqual([true, true]);
    vi.advanceTimersByTime(6 * 60_000);
    expect(history.percentiles('resolve', metrics.read())).toEqual({});
  });
});

describe('quantile', () => {
  const bounds = [1, 2, 4];

  it.each([
    { share: 0.5, cumulative: [10, 10, 10, 10], is: 0.5, why: 'half-way through the first bucket' },
    { share: 0.5, cumulative: [0, 10, 10, 10], is: 1.5, why: 'half-way through the second' },
    { share: 0.99, cumulative: [50, 99, 100, 100], is: 2, why: 'at a bound' },
    { share: 0.99, cumulative: [0, 0, 0, 5], is: 4, why: 'the last bound, where all are beyond it' },
  ])('is $is: $why', ({ share, cumulative, is }) => {
    expect(quantile(share, bounds, cumulative)).toBeCloseTo(is);
  });
});
