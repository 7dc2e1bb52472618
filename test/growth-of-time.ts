/** Tells how long something takes however slow and busy the machine is: by two measurements of the same moment. */

/** How many times as long 32 times as much may take: linear time makes it about 32, quadratic time a thousand. */
export const LINEAR = 180;

/** How many times as long a run takes with this size as with a thirty-second of it. */
export function growthOfTime(run: (size: number) => void, size: number): number {
  return timesAsLong(
    () => run(size),
    () => run(size / 32),
  );
}

/** How many times as long it takes as the other. The shortest of several runs counts, since other programs can only make one longer. */
export function timesAsLong(run: () => void, other: () => void): number {
  const tookMs = Array.from({ length: 15 }, () => [millisecondsOf(run), millisecondsOf(other)] as const);
  return Math.min(...tookMs.map(([one]) => one)) / Math.min(...tookMs.map(([, another]) => another));
}

/** As {@link growthOfTime}, of work that is awaited. */
export async function growthOfAwaited(run: (size: number) => Promise<unknown>, size: number): Promise<number> {
  let [shortest, shortestOfSmall] = [Infinity, Infinity];
  const took = async (awaited: number): Promise<number> => {
    const startedAt = performance.now();
    await run(awaited);
    return performance.now() - startedAt;
  };
  for (let round = 0; round < 5; round++) {
    shortest = Math.min(shortest, await took(size));
    shortestOfSmall = Math.min(shortestOfSmall, await took(size / 32));
  }
  return shortest / shortestOfSmall;
}

function millisecondsOf(run: () => void): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}
