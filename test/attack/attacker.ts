/** Repeats one attack for so many seconds, and reports how often. */
import { CASES } from './cases/all.ts';
import { until } from './client.ts';
import type { Places } from './stage.ts';

const [placesText = '', name = '', seconds = '1'] = process.argv.slice(2);
const places = JSON.parse(placesText) as Places; // Written by the stage.

process.send?.(await attack());
// What the attack still holds open ends with the process.
process.exit(0);

async function attack(): Promise<{ rounds: number; fault?: string }> {
  const make = CASES[name];
  const deadline = performance.now() + Number(seconds) * 1000;
  let rounds = 0;
  try {
    if (!make) throw new Error(`no case is named ${name}`);
    const round = make(places);
    while (performance.now() < deadline) {
      await until(deadline, round(rounds));
      rounds += 1;
    }
    return { rounds };
  } catch (cause) {
    return { rounds, fault: cause instanceof Error ? cause.message : String(cause) };
  }
}
