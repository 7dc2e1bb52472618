/** Runs one target on one input after the other until its time is up or an answer is wrong. */
import { parentPort, workerData } from 'node:worker_threads';
import { CurrentInput, type WorkerOptions } from './current-input.ts';
import type { FuzzTarget, Report } from './fuzz-target.ts';
import { makeInput } from './mutate.ts';
import { hashOf, Random } from './random.ts';
import { openTarget } from './targets/open.ts';

const options = workerData as WorkerOptions; // As run.ts passes them.
parentPort?.postMessage(await fuzz(options, new CurrentInput(options.current)));

async function fuzz(options: WorkerOptions, current: CurrentInput): Promise<Report> {
  const target = openTarget(options.target);
  try {
    return await fuzzTarget(target, options, current);
  } finally {
    await target.close?.();
  }
}

async function fuzzTarget(
  target: FuzzTarget,
  { target: name, seed, seconds, replay }: WorkerOptions,
  current: CurrentInput,
): Promise<Report> {
  const random = new Random(seed, name.length);
  const endsAt = performance.now() + seconds * 1000;
  const known = replay === undefined ? [...target.seeds] : [replay];
  let slowestMs = 0;
  for (let index = 0; ; index += 1) {
    const input = known[index] ?? makeInput(target, random);
    current.begin(input);
    const startedAt = performance.now();
    const why = await checkOne(target, input);
    const now = performance.now();
    slowestMs = Math.max(slowestMs, now - startedAt);
    if (why !== undefined) return { inputs: current.count, slowestMs, failure: { why, input } };
    if (replay !== undefined || (now > endsAt && index >= known.length)) return { inputs: current.count, slowestMs };
  }
}

async function checkOne(target: FuzzTarget, input: Uint8Array): Promise<string | undefined> {
  try {
    return await target.check(input, new Random(hashOf(input)));
  } catch (cause) {
    return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  }
}
