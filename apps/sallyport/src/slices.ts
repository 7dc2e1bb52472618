/** Does long work in slices, between which clients are served. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '@sallyport/config';

/** How long a slice takes, in milliseconds. The set-up of a tunnel waits for a few of them. */
const SLICE_MS = 2;

/** Resolves with the result. Resolves with undefined, and leaves the rest undone, once it is no longer wanted. */
export async function doInSlices<Result>(steps: Steps<Result>, isWanted: () => boolean): Promise<Result | undefined> {
  let result: Result | undefined;
  const all = (function* () {
    result = yield* steps;
  })();
  let until = performance.now() + SLICE_MS;
  while (!all.next().done) {
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
    // The steps clean up, and are done: a file that they read is closed.
    if (!isWanted()) all.return();
  }
  return result;
}
