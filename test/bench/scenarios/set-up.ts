/** Opening and closing tunnels: as fast as possible, and at a rate that leaves a core half idle. */
import { costOf } from '../measure.ts';
import type { Door } from '../peers/peer.ts';
import type { Bench } from '../run-interleaved.ts';
import { type Figures, logCost, overNginx, type Scenario, type Through } from './scenario.ts';

/** How often a tunnel starts, whether or not the others are done. */
export interface Pace {
  readonly rate: number;
  readonly why: string;
}

/** Of tunnels that are opened as fast as possible. */
export const AT_ONCE = 64;

/** Of those that are paced: fewer than the 511 that nginx and Node queue for accept, so that a slow proxy shows as waits. */
export const MOST_AT_ONCE = 500;

/** What passes through a door in one set-up. */
export const WIRE: Readonly<Record<Door, string>> = {
  sni: 'hello → first byte → close',
  connect: 'CONNECT → 200 → hello → first byte → close',
};

/** Set-ups through one door. */
export function setUp(door: Door, { rate, why }: Pace): Scenario {
  return {
    name: `set-up-${door}`,
    title: door === 'sni' ? 'Set-up, SNI door' : 'Set-up, CONNECT door',
    note: `${WIRE[door]}. Saturated: ${AT_ONCE} at once. Paced: one starts every 1/${rate} s (${why}), and waits count from when it was due.`,
    door,
    comparisons: [overNginx(door, 'CPU µs/tunnel'), overNginx(door, 'p99 ms, paced'), logCost('CPU µs/tunnel')],
    columns: [
      { heading: 'CPU µs/tunnel', digits: 1 },
      { heading: 'kernel, µs', digits: 0 },
      { heading: 'user, µs', digits: 0 },
      { heading: 'tunnels/s', digits: 0 },
      { heading: 'core, %', digits: 0 },
      { heading: 'load core, %', digits: 0 },
      { heading: 'p50 ms, saturated', digits: 2 },
      { heading: 'p99 ms, saturated', digits: 2 },
      { heading: 'p50 ms, paced', digits: 2 },
      { heading: 'p99 ms, paced', digits: 2 },
      { heading: 'CPU µs/tunnel, paced', digits: 0 },
      { heading: 'load core, %, paced', digits: 0 },
    ],
    measure: async (through, bench) => [...(await saturate(through, bench)), ...(await pace(through, bench, rate))],
  };
}

/** Only tells how many set-ups a second a proxy makes. */
export function saturatedSetUps(door: Door): Scenario {
  return {
    ...setUp(door, { rate: 0, why: '' }),
    columns: [{ heading: 'tunnels/s', digits: 0 }],
    measure: async (through, bench) => [(await saturate(through, bench))[3] ?? NaN],
  };
}

async function saturate({ pid, port, door }: Through, { load, options }: Bench): Promise<Figures> {
  const { setUps, warmUps } = options.sizes;
  await load.run(door, port, { workload: 'set-up', tunnels: warmUps, at_once: AT_ONCE });
  const { result, cpuSeconds, kernelSeconds } = await costOf(pid, () =>
    load.run(door, port, { workload: 'set-up', tunnels: setUps, at_once: AT_ONCE }),
  );
  const { seconds, p50_us, p99_us, loadCorePercent } = result;
  return [
    (cpuSeconds * 1e6) / setUps,
    (kernelSeconds * 1e6) / setUps,
    ((cpuSeconds - kernelSeconds) * 1e6) / setUps,
    setUps / seconds,
    (100 * cpuSeconds) / seconds,
    loadCorePercent,
    p50_us / 1000,
    p99_us / 1000,
  ];
}

async function pace({ pid, port, door }: Through, { load, options }: Bench, rate: number): Promise<Figures> {
  const { pacedSeconds, pacedWarmUpSeconds } = options.sizes;
  const paced = { workload: 'set-up', rate, at_once: MOST_AT_ONCE } as const;
  await load.run(door, port, { ...paced, tunnels: rate * pacedWarmUpSeconds });
  const tunnels = rate * pacedSeconds;
  const { result, cpuSeconds } = await costOf(pid, () => load.run(door, port, { ...paced, tunnels }));
  const { p50_us, p99_us, loadCorePercent } = result;
  return [p50_us / 1000, p99_us / 1000, (cpuSeconds * 1e6) / tunnels, loadCorePercent];
}
