/** One data thread of the native engine against two. */
import { costOf, threadCpu } from '../measure.ts';
import { GIB, type Scenario } from './scenario.ts';

/** As the native engine names them for ps and top. */
const DATA_THREAD = 'sallyport-data';

export const twoThreads: Scenario = {
  name: 'two-threads',
  title: 'Two data threads',
  note: 'With one thread as with two the proxy may use every core, those of the load included. Shares are of the CPU of all data threads while tunnels are set up.',
  door: 'sni',
  usesAllCores: true,
  comparisons: [
    {
      heading: 'CPU µs/tunnel, over that of one thread',
      column: 'CPU µs/tunnel',
      how: 'over',
      digits: 2,
      against: () => ['sallyport-native'],
    },
  ],
  columns: [
    { heading: 'CPU µs/tunnel', digits: 0 },
    { heading: 'tunnels/s', digits: 0 },
    { heading: 'busiest data thread, %', digits: 0 },
    { heading: 'down, CPU s/GiB', digits: 2 },
  ],
  measure: async ({ pid, port, door }, { load, options }) => {
    const { setUps, warmUps, bulkBytes } = options.sizes;
    await load.run(door, port, { workload: 'set-up', tunnels: warmUps, at_once: 64 });
    const before = dataThreads(pid);
    const opened = await costOf(pid, () => load.run(door, port, { workload: 'set-up', tunnels: setUps, at_once: 64 }));
    const work = dataThreads(pid).map((seconds, thread) => seconds - (before[thread] ?? 0));
    // One alone only stands in for the JavaScript thread, which has it all.
    const share = work.length === 1 ? 1 : Math.max(...work) / work.reduce((sum, seconds) => sum + seconds, 0);
    const moved = await costOf(pid, () =>
      load.run(door, port, { workload: 'download', tunnels: 16, bytes: bulkBytes / 16 }),
    );
    return [
      (opened.cpuSeconds * 1e6) / setUps,
      setUps / opened.result.seconds,
      100 * share,
      moved.cpuSeconds / (bulkBytes / GIB),
    ];
  },
};

function dataThreads(pid: number): readonly number[] {
  return threadCpu(pid).flatMap(({ name, seconds }) => (name === DATA_THREAD ? [seconds] : []));
}
