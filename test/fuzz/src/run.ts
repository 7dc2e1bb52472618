/**
 * The fuzzer: runs every parser of untrusted input on random and mutated input, for a given time.
 *
 * `npm run fuzz -- --help` lists the options. Each target runs in a worker. A failure, or an input on which a target hangs, is
 * printed in hexadecimal with the command that runs it again, and the exit code is 1.
 */
import { Worker } from 'node:worker_threads';
import { HELP, type Options, readOptions } from './options.ts';
import { CurrentInput, type WorkerOptions } from './current-input.ts';
import type { Report } from './fuzz-target.ts';
import { TARGET_NAMES, type TargetName } from './targets/names.ts';

/** Longer than any input may take, a busy machine allowed for; what takes it is a hang. */
const HANG_MS = 20_000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.kind === 'wrong') {
    process.stderr.write(`fuzz: ${options.why}; see --help\n`);
    return 2;
  }
  return runTargets(options);
}

async function runTargets(options: Options): Promise<number> {
  const names = options.target === undefined ? TARGET_NAMES : [options.target];
  process.stdout.write(`seed ${options.seed}\n`);
  let total = 0;
  let failures = 0;
  for (const name of names) {
    const report = await runTarget(name, options, options.seconds / names.length);
    total += report.inputs;
    failures += report.failure === undefined ? 0 : 1;
    process.stdout.write(describe(name, report));
  }
  process.stdout.write(`${total.toLocaleString('en')} inputs, ${failures} failures\n`);
  return failures === 0 ? 0 : 1;
}

async function runTarget(target: TargetName, options: Options, seconds: number): Promise<Report> {
  const current = new CurrentInput();
  const workerData: WorkerOptions = {
    target,
    seed: options.seed,
    seconds,
    replay: options.replay,
    current: current.memory,
  };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
  let seen = -1;
  const watch = setInterval(() => {
    if (current.count === seen) {
      worker.emit('hang');
      return;
    }
    seen = current.count;
  }, HANG_MS);
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', (report: Report) => resolve(report));
      worker.once('error', reject);
      worker.once('hang', () =>
        resolve({ inputs: current.count, slowestMs: HANG_MS, failure: { why: 'hangs', input: current.bytes } }),
      );
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function describe(name: TargetName, { inputs, slowestMs, failure }: Report): string {
  const line = `${name}: ${inputs.toLocaleString('en')} inputs, the slowest ${slowestMs.toFixed(1)} ms\n`;
  if (!failure) return line;
  const hex = Buffer.from(failure.input).toString('hex');
  return `${line}${name} FAILED: ${failure.why}\n  input ${hex}\n  again: npm run fuzz -- --target ${name} --replay ${hex}\n`;
}
