/** The thread that compares passwords, so that a comparison never delays tunnels. */
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** One password to compare with one hash. */
export interface ComparisonRequest {
  readonly password: string;
  readonly hash: string;
}

// On Linux this holds for this thread alone: where every core has one, the thread that decides still goes first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

parentPort?.on('message', ({ password, hash }: ComparisonRequest) => {
  parentPort?.postMessage(compareSync(password, hash));
});
