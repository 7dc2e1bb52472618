/** What a tunnel costs that does nothing. */
import { pssBytes, quietCpuSeconds } from '../measure.ts';
import { MIB, type Scenario } from './scenario.ts';

/** Closed again before the first reading, so that what a proxy makes once is in its base. */
const FIRST_TUNNELS = 200;

export const idleMemory: Scenario = {
  name: 'idle-memory',
  title: 'Idle memory',
  note: "PSS of the process tree with all tunnels open and one byte exchanged in each, less PSS before, divided. The kernel's socket buffers are in no row.",
  door: 'either',
  columns: [
    { heading: 'KiB/tunnel', digits: 2 },
    { heading: 'base, MiB', digits: 1 },
  ],
  measure: async ({ pid, port, door }, { load, options }) => {
    const { idleTunnels } = options.sizes;
    await load.run(door, port, { workload: 'set-up', tunnels: FIRST_TUNNELS, at_once: 16 });
    await quietCpuSeconds(pid);
    const before = pssBytes(pid);
    const held = await load.hold(door, port, idleTunnels);
    await quietCpuSeconds(pid);
    const after = pssBytes(pid);
    await held.release();
    return [(after - before) / 1024 / idleTunnels, before / MIB];
  },
};
