/** Much data in few tunnels, down and up. */
import { costOf } from '../measure.ts';
import type { Bench } from '../run-interleaved.ts';
import { type Figures, GIB, MIB, type Scenario, type Through } from './scenario.ts';

const TUNNELS = 4;

export const bulk: Scenario = {
  name: 'bulk',
  title: 'Bulk',
  note: `${TUNNELS} tunnels at once, through the SNI door where there is one.`,
  door: 'either',
  columns: [
    { heading: 'down, CPU s/GiB', digits: 2 },
    { heading: 'down, MiB/s', digits: 0 },
    { heading: 'core, %', digits: 0 },
    { heading: 'up, CPU s/GiB', digits: 2 },
    { heading: 'up, MiB/s', digits: 0 },
    { heading: 'core, %', digits: 0 },
  ],
  measure: async (through, bench) => {
    // A proxy that has moved some bytes has its buffers and its compiled code.
    await bench.load.run(through.door, through.port, { workload: 'download', tunnels: TUNNELS, bytes: 16 * MIB });
    return [...(await move('download', through, bench)), ...(await move('upload', through, bench))];
  },
};

/** CPU seconds a GiB, MiB a second, and how busy the core was. */
async function move(
  workload: 'download' | 'upload',
  { pid, port, door }: Through,
  { load, options }: Bench,
): Promise<Figures> {
  const { bulkBytes } = options.sizes;
  const { result, cpuSeconds } = await costOf(pid, () =>
    load.run(door, port, { workload, tunnels: TUNNELS, bytes: bulkBytes / TUNNELS }),
  );
  return [cpuSeconds / (bulkBytes / GIB), bulkBytes / MIB / result.seconds, (100 * cpuSeconds) / result.seconds];
}
