/** Which scenarios run. */
import type { Options } from '../options.ts';
import type { FoundPeer } from '../peers/peer.ts';
import { type Bench, runInterleaved } from '../run-interleaved.ts';
import { median } from '../table.ts';
import { bulk } from './bulk.ts';
import { idleMemory } from './idle-memory.ts';
import { pingPong } from './ping-pong.ts';
import type { Scenario } from './scenario.ts';
import { saturatedSetUps, type Pace, setUp } from './set-up.ts';
import { twoThreads } from './two-threads.ts';

/** All of them, or those of `--only`. */
export function chooseScenarios({ only, hasTwoThreads }: Options, pace: Pace): readonly Scenario[] {
  const all = [bulk, idleMemory, setUp('sni', pace), setUp('connect', pace), pingPong, twoThreads];
  const unknown = only.filter((name) => name !== 'decision' && !all.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`);
  return all.filter(({ name }) => {
    if (name === 'two-threads' && hasTwoThreads) return true;
    return only.length === 0 ? name !== 'two-threads' : only.includes(name);
  });
}

/** Where no nginx tells the pace. */
const usualPace: Pace = { rate: 3_000, why: 'a fixed pace, for want of an nginx to take half of' };

/** The pace of the unhurried set-ups: half of what the nginx at hand can do through its SNI door. */
export async function halfOfNginx(peers: readonly FoundPeer[], bench: Bench): Promise<Pace> {
  const { only } = bench.options;
  const isWanted = only.length === 0 || only.some((name) => name.startsWith('set-up'));
  const nginx = peers.filter(({ peer, found }) => peer.id === 'nginx' && found.kind === 'present');
  if (!isWanted || nginx.length === 0) return usualPace;
  const { rows } = await runInterleaved(saturatedSetUps, nginx, bench);
  const rates = rows.flatMap((row) => (row.kind === 'measured' ? row.runs.map(([rate = NaN]) => rate) : []));
  if (rates.length === 0) return usualPace;
  return { rate: Math.round(median(rates) / 2), why: `half of nginx's ${Math.round(median(rates))}` };
}
