/** The machine on which the figures were measured. */
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import type { Options } from './options.ts';
import type { FoundPeer } from './peers/peer.ts';
import { outputOf } from './peers/version.ts';
import { loadCore, proxyCore } from './places.ts';

/** Throws where the benchmark cannot run, with what it lacks. */
export function requireMachine(): void {
  if (process.platform !== 'linux') throw new Error('the benchmark reads /proc and pins with taskset: it needs Linux');
  if (availableParallelism() < 2) throw new Error('the benchmark needs two cores: one for the proxy, one for the load');
  if (outputOf('taskset', ['--version']) === undefined) throw new Error('no taskset: install it (Debian: util-linux)');
}

/** The report's first section. */
export function describeMachine(peers: readonly FoundPeer[], { runs }: Options): string {
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const versions = peers.flatMap(({ found }) => (found.kind === 'present' ? [found.version] : []));
  const missing = peers.flatMap(({ peer, found }) =>
    found.kind === 'missing' ? [`${peer.label} (${found.why})`] : [],
  );
  return [
    '# Side by side',
    '',
    `- Machine: ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'of no known model'}, Linux ${release()}; load average at the start ${load}`,
    `- Versions: ${[...new Set(versions)].join(', ')}`,
    ...(missing.length > 0 ? [`- Missing: ${[...new Set(missing)].join(', ')}`] : []),
    `- Over loopback; the proxy on core ${proxyCore}, load generator and origin on core ${loadCore}; every figure from a fresh process`,
    `- ${runs === 1 ? 'One run of each' : `Medians of ${runs} interleaved runs (lowest–highest)`}. CPU is user and system time of all the proxy's processes and threads`,
    "- Core is the proxy's CPU time over the time that passed, load core that of load generator and origin. With core well below 100 % the load generator, or other work on the machine, set the pace: rates and waits then say little of the proxy",
    '- One worker or thread each. No access log, except where the row says so: then as JSON, to /dev/null, written as the proxy does by default (nginx each line at once, Sallyport those of 10 ms together)',
  ].join('\n');
}
