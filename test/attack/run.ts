/**
 * Runs every known attack on proxies, and random ones, against a Sallyport with a heap of 512 MiB. It reports for each whether the proxy
 * survived, how long honest clients waited, whether a forbidden origin was reached, and how much memory was kept.
 *
 * `npm run attack -- --help` lists the options. Everything is on loopback and bounded in time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { caseNames } from './cases/all.ts';
import { type AttackOptions, readAttackOptions } from './options.ts';
import { openStage, type Stage } from './stage.ts';
import { failuresOf, type Outcome, printHeading, printOutcome } from './table.ts';

/** Before the first case, honest clients warm the proxy up. */
const WARM_UP_MS = 5000;
/** Then each case is made for a moment: what the proxy makes once, such as a shared buffer, is no loss. */
const TASTE_SECONDS = 2;
/** And one for longer: it fills the cache of names to its bound. */
const FILLING_CASE = 'one client, 200,000 names';
const FILLING_SECONDS = 30;

await main();

async function main(): Promise<void> {
  // A signal ends the process by way of `exit`, where everything that was started is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const options = readAttackOptions(process.argv.slice(2));
    let failures = 0;
    for (const engine of options.engines) failures += await attackEngine(engine, options);
    process.stdout.write(failures === 0 ? '\nheld\n' : `\n${failures} did not hold\n`);
    process.exit(failures === 0 ? 0 : 1);
  } catch (cause) {
    process.stderr.write(`attack: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  }
}

/** Returns how many cases did not hold. */
async function attackEngine(engine: AttackOptions['engines'][number], options: AttackOptions): Promise<number> {
  let stage = await openStage(engine, options);
  const names = caseNames(options.only);
  await warmUp(stage, names);
  printHeading(engine, options);
  const seconds = (options.minutes * 60) / names.length / options.engines.length;
  let failures = 0;
  for (const name of names) {
    const outcome = await attackOnce(stage, name, seconds);
    const failed = failuresOf(outcome);
    printOutcome(outcome, failed);
    if (failed.length > 0) failures += 1;
    if (!outcome.isAlive) {
      stage.close();
      stage = await openStage(engine, options);
      await warmUp(stage, names);
    }
  }
  stage.close();
  return failures;
}

async function warmUp(stage: Stage, names: readonly string[]): Promise<void> {
  const honest = stage.watchHonest();
  await delay(WARM_UP_MS);
  for (const name of names) await stage.attack(name, name === FILLING_CASE ? FILLING_SECONDS : TASTE_SECONDS);
  await honest.stop();
}

async function attackOnce(stage: Stage, name: string, seconds: number): Promise<Outcome> {
  const base = await stage.settledMemory();
  const honest = stage.watchHonest();
  const attack = await stage.attack(name, seconds);
  const waits = await honest.stop();
  const kept = await stage.settledMemory(base);
  const isAlive = stage.isAlive();
  return { name, isAlive, attack, waits, base, kept, peakBytes: honest.peakBytes(), leaks: stage.leaks() };
}
