/**
 * The side-by-side benchmark: Sallyport and its peers, interleaved in one run, with one load.
 *
 * Needs Linux, a C compiler and two cores: one for the proxy, one for the load. `pnpm bench --help` lists the options.
 */
import { writeFileSync } from 'node:fs';
import { decisionCost } from './decision.ts';
import { startLoad } from './load.ts';
import { describeMachine, requireMachine } from './machine.ts';
import { type Options, readOptions } from './options.ts';
import { findPeers } from './peers/all.ts';
import { runInterleaved } from './run-interleaved.ts';
import { chooseScenarios } from './scenarios/all.ts';
import { halfOfNginx } from './scenarios/pace.ts';
import { formatSummary, type Measured } from './summary.ts';
import { formatResults } from './table.ts';

await main();

async function main(): Promise<void> {
  // A signal ends the process by way of `exit`, where everything that was started is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const options = readOptions(process.argv.slice(2));
    requireMachine();
    const report = await measureAll(options);
    process.stdout.write(report);
    if (options.output !== undefined) writeFileSync(options.output, report);
    process.exit(0);
  } catch (cause) {
    process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  }
}

async function measureAll(options: Options): Promise<string> {
  const peers = findPeers(options.peers);
  const machine = describeMachine(peers, options);
  const sections: string[] = [];
  const measured: Measured[] = [];
  const load = await startLoad();
  const scenarios = chooseScenarios(options, await halfOfNginx(peers, { load, options }));
  for (const scenario of scenarios) {
    const results = await runInterleaved(scenario, peers, { load, options });
    measured.push({ scenario, results });
    sections.push(formatResults(scenario, results));
  }
  load.stop();
  if (options.only.length === 0 || options.only.includes('decision')) sections.push(decisionCost(options));
  const summary = formatSummary(measured);
  return `${[machine, ...(summary === undefined ? [] : [summary]), ...sections].join('\n\n')}\n`;
}
