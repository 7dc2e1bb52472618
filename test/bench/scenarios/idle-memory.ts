/** The memory of an idle tunnel. */
import { pssBytes, quietCpuSeconds } from '../measure.ts';
import { MIB, type Scenario } from './scenario.ts';

/** Before the cold base, so that what a proxy makes once is in it. */
const FIRST_TUNNELS = 200;

export const idleMemory: Scenario = {
  name: 'idle-memory',
  title: 'Idle memory',
  note: [
    'PSS of the process tree with all tunnels open and one byte exchanged in each, less a base, divided by their number.',
    `The cold base is PSS after ${FIRST_TUNNELS} short tunnels, the warm one after as many as are then held; each once the proxy is quiet.`,
    'A warm base holds garbage too, where there is a collector, and tunnels then take its place: over it they cost too little or less than nothing.',
    'Over the cold one they pay for all growth of the process.',
    "The kernel's socket buffers are in no row.",
  ].join(' '),
  door: 'either',
  columns: [
    { heading: 'KiB/tunnel, over the cold base', digits: 2 },
    { heading: 'KiB/tunnel, over the warm base', digits: 2 },
    { heading: 'cold base, MiB', digits: 1 },
    { heading: 'warm base, MiB', digits: 1 },
    { heading: 'all open, MiB', digits: 1 },
  ],
  measure: async ({ pid, port, door }, { load, options }) => {
    const { idleTunnels } = options.sizes;
    const quietPss = async (): Promise<number> => {
      await quietCpuSeconds(pid);
      return pssBytes(pid);
    };
    await load.run(door, port, { workload: 'set-up', tunnels: FIRST_TUNNELS, at_once: 16 });
    const cold = await quietPss();
    await load.run(door, port, { workload: 'set-up', tunnels: idleTunnels, at_once: 64 });
    const warm = await quietPss();
    const held = await load.hold(door, port, { tunnels: idleTunnels });
    const open = await quietPss();
    await held.release();
    const each = (base: number): number => (open - base) / 1024 / idleTunnels;
    return [each(cold), each(warm), cold / MIB, warm / MIB, open / MIB];
  },
};
