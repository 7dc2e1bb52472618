/**
 * What interception costs: the CPU of a set-up by REDIRECT and by TPROXY beside the plain SNI door, interleaved in one run.
 *
 * Needs Linux, root, network namespaces, nftables, a C compiler and two cores. `npm run bench:interception -- --help` lists the options.
 */
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { type Lab, openLab, requireLab, type Way } from './interception-lab.ts';
import { requireMachine } from './machine.ts';
import { cpuMicroseconds, quietCpuSeconds } from './measure.ts';
import { loadCore, proxyCore } from './places.ts';
import { formatFigures, formatPlainTable } from './table.ts';

/** One line of the table each. */
const ways: readonly (Way & { readonly label: string })[] = [
  { label: 'plain SNI door', door: 'plain', isTracked: true },
  { label: 'by REDIRECT', door: 'redirect', isTracked: true },
  { label: 'by TPROXY', door: 'tproxy', isTracked: true },
  { label: 'plain SNI door, connections not tracked', door: 'plain', isTracked: false },
  { label: 'by TPROXY, connections not tracked', door: 'tproxy', isTracked: false },
];
const TUNNELS = 8_000;
const WARM_UPS = 16_000;
const AT_ONCE = 64;

/** CPU microseconds per tunnel, by way, of one run. */
type Run = ReadonlyMap<Way, number>;

const usage = `usage: npm run bench:interception -- [--runs N]

  --runs N   interleaved runs of ${TUNNELS.toLocaleString('en')} tunnels each way (9)
`;

await main();

async function main(): Promise<void> {
  // A signal ends the process by way of `exit`, where everything that was started is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const runs = readRuns(process.argv.slice(2));
    requireMachine();
    requireLab();
    const machine = describeMachine(runs);
    process.stdout.write(`${machine}\n\n${formatRuns(await measureRuns(await openLab(), runs))}\n`);
    process.exit(0);
  } catch (cause) {
    process.stderr.write(`bench:interception: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  }
}

function readRuns(args: readonly string[]): number {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: { runs: { type: 'string', default: '9' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs wants a whole number from 1');
  return runs;
}

function describeMachine(runs: number): string {
  return [
    '# Interception',
    '',
    `- Machine: ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'of no known model'}, Linux ${release()}; load average at the start ${(loadavg()[0] ?? 0).toFixed(1)}`,
    `- Client, gateway and origin in network namespaces, joined by veth; Sallyport on core ${proxyCore}, load and origin on core ${loadCore}`,
    '- One Sallyport, native engine, one thread, no access log, a listener for each way; the same clients and the same destination for all',
    '- Rules: REDIRECT cannot do without connection tracking, so the others are measured with it and with the hooks of NAT too, and again without.',
    '  Where nothing else tracks them, REDIRECT brings that cost along. The recipes (nftables-redirect.sh, nftables-tproxy.sh) are up for their own ways only',
    '- CPU is user and system time of all threads (schedstat), from the first client until it is quiet again. What the kernel does with a packet',
    '  counts for whoever sent it: of the recipes, what clients send is on the core of the load',
    `- Medians of ${runs} interleaved runs (lowest–highest); the difference is taken within each run`,
  ].join('\n');
}

async function measureRuns(lab: Lab, runs: number): Promise<readonly Run[]> {
  for (const way of ways) await lab.under(way, () => openTunnels(lab, way.door, WARM_UPS));
  const done: Run[] = [];
  for (let run = 1; run <= runs; run++) {
    const figures = new Map<Way, number>();
    // Nobody is always the first.
    for (const way of [...ways.slice(run % ways.length), ...ways.slice(0, run % ways.length)]) {
      figures.set(way, await lab.under(way, () => costOfTunnel(lab, way)));
    }
    process.stderr.write(`${run}/${runs}: ${ways.map((way) => figures.get(way)?.toFixed(1)).join(' ')}\n`);
    done.push(figures);
  }
  return done;
}

/** In CPU microseconds. */
async function costOfTunnel(lab: Lab, { door }: Way): Promise<number> {
  const before = cpuMicroseconds(lab.pid);
  await openTunnels(lab, door, TUNNELS);
  await quietCpuSeconds(lab.pid);
  return (cpuMicroseconds(lab.pid) - before) / TUNNELS;
}

async function openTunnels(lab: Lab, door: Way['door'], tunnels: number): Promise<void> {
  const { address, port } = lab.target(door);
  await lab.load.run('sni', port, { workload: 'set-up', address, tunnels, at_once: AT_ONCE });
}

function formatRuns(runs: readonly Run[]): string {
  const rows = ways.map((way) => [way.label, formatFigures(costs(runs, way), 1), formatDifference(runs, way)]);
  const note = `hello → first byte → close, ${AT_ONCE} at once, ${TUNNELS.toLocaleString('en')} tunnels a run.`;
  return formatPlainTable('Set-up', note, [['', 'CPU µs/tunnel', 'over the plain door, %'], ...rows]);
}

/** To the plain door under the same tracking. */
function formatDifference(runs: readonly Run[], way: Way): string {
  const plain = ways.find(({ door, isTracked }) => door === 'plain' && isTracked === way.isTracked);
  if (plain === undefined || plain === way) return '–';
  const base = costs(runs, plain);
  const differences = costs(runs, way).map((cost, run) => 100 * (cost / (base[run] ?? NaN) - 1));
  return formatFigures(differences, 1);
}

function costs(runs: readonly Run[], way: Way): readonly number[] {
  return runs.map((run) => run.get(way) ?? NaN);
}
