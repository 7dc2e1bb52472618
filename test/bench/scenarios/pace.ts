/** The rate of tunnels in paced runs: half of nginx's highest rate, measured on this machine in the same run. */
import type { Door, FoundPeer } from '../peers/peer.ts';
import { type Bench, runInterleaved } from '../run-interleaved.ts';
import { median } from '../table.ts';
import { type Pace, saturatedSetUps } from './set-up.ts';

/** Where no nginx tells the pace. */
const usualPace: Pace = { rate: 3_000, why: 'a fixed pace, for want of an nginx to take half of' };

/** For each door, half of what the nginx with that door can do; one without CONNECT tells by its SNI door. */
export async function halfOfNginx(peers: readonly FoundPeer[], bench: Bench): Promise<Readonly<Record<Door, Pace>>> {
  const { only } = bench.options;
  const isWanted = (door: Door): boolean => only.length === 0 || only.includes(`set-up-${door}`);
  const halfOf = (id: string, door: Door): Promise<Pace | undefined> => halfOfPeer({ id, door }, peers, bench);
  const connect = isWanted('connect')
    ? ((await halfOf('nginx-tunnel', 'connect')) ?? (await halfOf('nginx-proxy-connect', 'connect')))
    : undefined;
  const isSniAsked = isWanted('sni') || (isWanted('connect') && connect === undefined);
  const sni = isSniAsked ? await halfOf('nginx', 'sni') : undefined;
  return { sni: sni ?? usualPace, connect: connect ?? sni ?? usualPace };
}

async function halfOfPeer(
  { id, door }: { readonly id: string; readonly door: Door },
  peers: readonly FoundPeer[],
  bench: Bench,
): Promise<Pace | undefined> {
  const chosen = peers.filter(({ peer, found }) => peer.id === id && found.kind === 'present');
  const [row] = (await runInterleaved(saturatedSetUps(door), chosen, bench)).rows;
  if (row?.kind !== 'measured') return undefined;
  const most = Math.round(median(row.runs.map(([rate = NaN]) => rate)));
  return {
    rate: Math.round(most / 2),
    why: `half of the ${most.toLocaleString('en')} a second that ${row.peer.label} made`,
  };
}
