import { describe, expect, it } from 'vitest';
import { measureClockOffset } from '../src/native/clock-offset.ts';

const OFFSET_MS = 1234.5;

/** A thread that is put aside for so long behind each reading of a clock, in turn; and then no more. */
function threadWith(pausesMs: readonly number[]): { now: () => number; monotonicNs: () => bigint } {
  const left = [...pausesMs];
  let atMs = 5000;
  const read = (): number => {
    const readAt = atMs;
    atMs += left.shift() ?? 0.001;
    return readAt;
  };
  return { now: () => read() + OFFSET_MS, monotonicNs: () => BigInt(Math.round(read() * 1e6)) };
}

describe('the offset between the clocks', () => {
  it.each([
    { what: 'never', pausesMs: [] },
    { what: 'between the first two readings', pausesMs: [6] },
    { what: 'between the next two', pausesMs: [0.001, 6] },
    { what: 'again and again', pausesMs: Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 6 : 0.5)) },
  ])('is exact where the thread is put aside $what', ({ pausesMs }) => {
    const { now, monotonicNs } = threadWith(pausesMs);
    expect(Math.abs(measureClockOffset(now, monotonicNs) - OFFSET_MS)).toBeLessThan(0.01);
  });

  it('has the real clocks agree', () => {
    const offsetMs = measureClockOffset();
    const before = performance.now();
    const between = Number(process.hrtime.bigint()) / 1e6 + offsetMs;
    const after = performance.now();
    expect(between).toBeGreaterThanOrEqual(before - 0.05);
    expect(between).toBeLessThanOrEqual(after + 0.05);
  });
});
