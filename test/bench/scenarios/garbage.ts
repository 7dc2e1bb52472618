/** What a set-up allocates in V8's heap, where the proxy runs in Node. */
import type { Bench } from '../run-interleaved.ts';
import type { Door } from '../peers/peer.ts';
import type { Scenario, Through } from './scenario.ts';
import { AT_ONCE } from './set-up.ts';

export const garbage: Scenario = {
  name: 'garbage',
  title: 'Garbage',
  note: "What V8 tells at its collections (--trace-gc-nvp) that was allocated since the one before, over many set-ups. Buffers outside of V8's heap are not in it.",
  door: 'either',
  v8Flags: ['--trace-gc', '--trace-gc-nvp'],
  columns: [
    { heading: 'SNI, KiB/tunnel', digits: 2 },
    { heading: 'SNI, collections/1,000 tunnels', digits: 1 },
    { heading: 'CONNECT, KiB/tunnel', digits: 2 },
    { heading: 'CONNECT, collections/1,000 tunnels', digits: 1 },
  ],
  measure: async (through, bench) => [
    ...(await allocations('sni', through, bench)),
    ...(await allocations('connect', through, bench)),
  ],
};

async function allocations(door: Door, { ports, readOutput }: Through, { load, options }: Bench): Promise<number[]> {
  const { warmUps, garbageTunnels } = options.sizes;
  const open = (tunnels: number): Promise<unknown> =>
    load.run(door, ports[door], { workload: 'set-up', tunnels, at_once: AT_ONCE });
  await open(warmUps);
  const before = collectionsIn(readOutput()).length;
  await open(garbageTunnels);
  const collections = collectionsIn(readOutput()).slice(before);
  const bytes = collections.reduce((sum, allocated) => sum + allocated, 0);
  return [bytes / 1024 / garbageTunnels, (1000 * collections.length) / garbageTunnels];
}

/** What was allocated before each, since the one before it. */
function collectionsIn(output: string): readonly number[] {
  return [...output.matchAll(/ allocated=(\d+) /g)].map(([, bytes]) => Number(bytes));
}
