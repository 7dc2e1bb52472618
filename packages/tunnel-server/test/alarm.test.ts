import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setAlarm } from '../src/alarm.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('rings at its deadline, and once', () => {
  const ring = vi.fn();
  setAlarm(performance.now() + 1000, ring);
  vi.advanceTimersByTime(999);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  expect(ring).toHaveBeenCalledTimes(1);
});

it('rings at a deadline beyond what one timer can wait', () => {
  const ring = vi.fn();
  setAlarm(performance.now() + 60 * DAY_MS, ring);
  vi.advanceTimersByTime(59 * DAY_MS);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(DAY_MS);
  expect(ring).toHaveBeenCalledTimes(1);
});

it('never rings at Infinity, nor once it is cancelled', () => {
  const ring = vi.fn();
  setAlarm(Infinity, ring);
  setAlarm(performance.now() + 10, ring)();
  vi.advanceTimersByTime(100 * DAY_MS);
  expect(ring).not.toHaveBeenCalled();
});
