/** Tells linear time from quadratic time, however slow and busy the machine is: by two measurements of the same moment. */

/** How many times as long 32 times as much may take: linear time makes it about 32, quadratic time a thousand. */
export const LINEAR = 180;

/** How many times as long a run takes with this size as with a thirty-second of it. */
export function growthOfTime(run: (size: number) => void, size: number): number {
  return shortestMs(() => run(size)) / shortestMs(() => run(size / 32));
}

/** Of several runs, since other programs can only make one longer. */
function shortestMs(run: () => void): number {
  const tookMs = Array.from({ length: 15 }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return Math.min(...tookMs);
}
