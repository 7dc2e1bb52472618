/** The thread that compares passwords: whatever one costs, tunnels go on meanwhile. */
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** One password to compare with one hash. */
export interface ComparisonRequest {
  readonly password: string;
  readonly hash: string;
}

parentPort?.on('message', ({ password, hash }: ComparisonRequest) => {
  parentPort?.postMessage(compareSync(password, hash));
});
