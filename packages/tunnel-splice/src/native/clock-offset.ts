/** How far the clock of the data threads is from this thread's. */

/** Readings so close together count as taken at once. No more pairs than these are tried. */
const CLOSE_MS = 0.01;
const MOST_TRIES = 100;

/**
 * What the kernel's monotonic clock, by which data threads tell times, is behind `performance.now()`: add it to the former, in milliseconds.
 *
 * This thread may be put aside between two readings, for many milliseconds on a busy machine, and each time that a data thread told would
 * be wrong by as much for as long as the process lives. So one clock is read between two readings of the other, until those are close.
 */
export function measureClockOffset(
  now: () => number = () => performance.now(),
  monotonicNs: () => bigint = () => process.hrtime.bigint(),
): number {
  let offsetMs = 0;
  let closestMs = Infinity;
  for (let tries = 0; tries < MOST_TRIES && closestMs > CLOSE_MS; tries++) {
    const before = now();
    const monotonicMs = Number(monotonicNs()) / 1e6;
    const after = now();
    if (after - before >= closestMs) continue;
    closestMs = after - before;
    offsetMs = (before + after) / 2 - monotonicMs;
  }
  return offsetMs;
}
