/** Chooses the scenarios that run. */
import type { Options } from '../options.ts';
import type { Door } from '../peers/peer.ts';
import { bulk } from './bulk.ts';
import { garbage } from './garbage.ts';
import { idleMemory } from './idle-memory.ts';
import { lowRate } from './low-rate.ts';
import { pingPong } from './ping-pong.ts';
import type { Scenario } from './scenario.ts';
import { type Pace, setUp } from './set-up.ts';
import { twoThreads } from './two-threads.ts';

/** All of them, or those of `--only`. */
export function chooseScenarios(
  { only, hasTwoThreads }: Options,
  paces: Readonly<Record<Door, Pace>>,
): readonly Scenario[] {
  const setUps = [setUp('sni', paces.sni), setUp('connect', paces.connect), lowRate('sni'), lowRate('connect')];
  const all = [bulk, idleMemory, ...setUps, pingPong, garbage, twoThreads];
  const unknown = only.filter((name) => name !== 'decision' && !all.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`);
  return all.filter(({ name }) => {
    if (name === 'two-threads' && hasTwoThreads) return true;
    return only.length === 0 ? name !== 'two-threads' : only.includes(name);
  });
}
