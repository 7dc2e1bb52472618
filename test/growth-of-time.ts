/**
 * Tells how long something takes however slow and busy the machine is: by two measurements of the same moment, of the time that this
 * process has had a processor for itself.
 */

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
  const took = Array.from({ length: 5 }, () => [microsecondsOf(run), microsecondsOf(other)] as const);
  return Math.min(...took.map(([one]) => one)) / Math.min(...took.map(([, another]) => another));
}

/** As {@link growthOfTime}, of work that is awaited. */
export async function growthOfAwaited(run: (size: number) => Promise<unknown>, size: number): Promise<number> {
  let [shortest, shortestOfSmall] = [Infinity, Infinity];
  const took = async (awaited: number): Promise<number> => {
    const before = process.cpuUsage();
    await run(awaited);
    return microsecondsSince(before);
  };
  for (let round = 0; round < 5; round++) {
    shortest = Math.min(shortest, await took(size));
    shortestOfSmall = Math.min(shortestOfSmall, await took(size / 32));
  }
  return shortest / shortestOfSmall;
}

function microsecondsOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  return microsecondsSince(before);
}

function microsecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
