/** Tunnels so far apart that each finds the proxy asleep: what one costs by itself. */
import { costOf } from '../measure.ts';
import type { Door } from '../peers/peer.ts';
import { logCost, overNginx, type Scenario } from './scenario.ts';
import { MOST_AT_ONCE, WIRE } from './set-up.ts';

const RATE = 500;

/** Set-ups through one door, at a low rate. */
export function lowRate(door: Door): Scenario {
  return {
    name: `low-rate-${door}`,
    title: door === 'sni' ? 'Low rate, SNI door' : 'Low rate, CONNECT door',
    note: `${WIRE[door]}. One starts every ${1000 / RATE} ms (${RATE}/s). Waits are how often a thread of the proxy waited, for whatever.`,
    door,
    comparisons: [overNginx(door, 'CPU µs/tunnel'), overNginx(door, 'p99 ms'), logCost('CPU µs/tunnel')],
    columns: [
      { heading: 'CPU µs/tunnel', digits: 0 },
      { heading: 'kernel, µs', digits: 0 },
      { heading: 'user, µs', digits: 0 },
      { heading: 'waits/tunnel', digits: 1 },
      { heading: 'p50 ms', digits: 2 },
      { heading: 'p99 ms', digits: 2 },
    ],
    measure: async ({ pid, port }, { load, options }) => {
      const { lowRateSeconds, lowRateWarmUps } = options.sizes;
      // A proxy runs for weeks: a JIT has seen the path, at a rate that takes no minute.
      await load.run(door, port, { workload: 'set-up', tunnels: lowRateWarmUps, at_once: 16 });
      const paced = { workload: 'set-up', rate: RATE, at_once: MOST_AT_ONCE } as const;
      await load.run(door, port, { ...paced, tunnels: RATE / 2 });
      const tunnels = RATE * lowRateSeconds;
      const cost = await costOf(pid, () => load.run(door, port, { ...paced, tunnels }));
      const each = (seconds: number): number => (seconds * 1e6) / tunnels;
      return [
        each(cost.cpuSeconds),
        each(cost.kernelSeconds),
        each(cost.cpuSeconds - cost.kernelSeconds),
        cost.waits / tunnels,
        cost.result.p50_us / 1000,
        cost.result.p99_us / 1000,
      ];
    },
  };
}
