/** Small messages in both directions, in turn. */
import { costOf } from '../measure.ts';
import type { Scenario } from './scenario.ts';

const TUNNELS = 32;

export const pingPong: Scenario = {
  name: 'ping-pong',
  title: 'Ping-pong',
  note: `${TUNNELS} tunnels, 1 KiB to the origin and back in each, again and again.`,
  door: 'either',
  columns: [
    { heading: 'CPU µs/round trip', digits: 1 },
    { heading: 'round trips/s', digits: 0 },
    { heading: 'core, %', digits: 0 },
  ],
  measure: async ({ pid, port, door }, { load, options }) => {
    const { roundTrips } = options.sizes;
    const work = { workload: 'ping-pong', tunnels: TUNNELS } as const;
    await load.run(door, port, { ...work, rounds: roundTrips / 10 });
    const { result, cpuSeconds } = await costOf(pid, () => load.run(door, port, { ...work, rounds: roundTrips }));
    const { seconds } = result;
    return [(cpuSeconds * 1e6) / roundTrips, roundTrips / seconds, (100 * cpuSeconds) / seconds];
  },
};
