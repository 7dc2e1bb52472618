/** Runs one scenario over all peers: every run measures every peer, so that a slow minute of the machine affects all alike. */
import type { Load } from './load.ts';
import type { Options } from './options.ts';
import type { FoundPeer, Peer } from './peers/peer.ts';
import { startProxy } from './peers/start.ts';
import { allCores, type Figures, type Scenario } from './scenarios/scenario.ts';
import { proxyCore } from './places.ts';

export interface Bench {
  readonly load: Load;
  readonly options: Options;
}

/** What the table says of one peer. */
export type Row =
  | { readonly kind: 'measured'; readonly peer: Peer; readonly runs: readonly Figures[] }
  | { readonly kind: 'missing' | 'failed'; readonly peer: Peer; readonly why: string };

export interface Results {
  readonly rows: readonly Row[];
}

/** Measures every peer that takes part, `runs` times, each time in a fresh process; a run that fails stands in the peer's row. */
export async function runInterleaved(scenario: Scenario, peers: readonly FoundPeer[], bench: Bench): Promise<Results> {
  const rows = new Map<FoundPeer, Row>(
    peers
      .filter(({ peer }) => peer.scenarios.includes(scenario.name))
      .map((found) => [found, firstRow(found, scenario)]),
  );
  for (let run = 1; run <= bench.options.runs; run++) {
    for (const [found, row] of rotate([...rows], run)) {
      if (row.kind !== 'measured') continue;
      process.stderr.write(`${scenario.name} ${run}/${bench.options.runs}: ${found.peer.id}`);
      const next = await measureOnce(scenario, found, row.runs, bench);
      process.stderr.write(` ${next.kind === 'measured' ? (next.runs.at(-1) ?? []).map(short).join(' ') : next.why}\n`);
      rows.set(found, next);
    }
  }
  return { rows: [...rows.values()] };
}

function firstRow({ peer, found }: FoundPeer, { door }: Scenario): Row {
  if (found.kind === 'missing') return { kind: 'missing', peer, why: found.why };
  if (door !== 'either' && !peer.doors.includes(door)) {
    return {
      kind: 'missing',
      peer,
      why: `${found.version} has no ${door === 'sni' ? 'SNI' : 'CONNECT'} door`,
    };
  }
  return { kind: 'measured', peer, runs: [] };
}

/** Nobody always follows the same neighbour. */
function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const at = by % Math.max(1, items.length);
  return [...items.slice(at), ...items.slice(0, at)];
}

async function measureOnce(
  scenario: Scenario,
  { peer, found }: FoundPeer,
  runs: readonly Figures[],
  bench: Bench,
): Promise<Row> {
  if (found.kind === 'missing') return { kind: 'missing', peer, why: found.why };
  const door = scenario.door === 'either' ? (peer.doors[0] ?? 'sni') : scenario.door;
  try {
    const cores = scenario.usesAllCores ? allCores : proxyCore;
    const { v8Flags } = scenario;
    const { originPort } = bench.load;
    const proxy = await startProxy(found, { doors: peer.doors, originPort, cores, ...(v8Flags && { v8Flags }) });
    try {
      const { pid, ports, readOutput } = proxy;
      const through = { pid, port: ports[door], door, ports, readOutput };
      const figures = await scenario.measure(through, bench);
      if (figures.length !== scenario.columns.length)
        throw new Error(`${scenario.name} made no figure for every column`);
      return { kind: 'measured', peer, runs: [...runs, figures] };
    } finally {
      proxy.stop();
    }
  } catch (cause) {
    return { kind: 'failed', peer, why: cause instanceof Error ? cause.message : String(cause) };
  }
}

function short(figure: number): string {
  return figure.toPrecision(4);
}
