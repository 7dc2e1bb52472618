/** Stops a process as a machine does that is busy with something else. Linux only, as the end-to-end suite is. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { vi } from 'vitest';

/** Resolves once each of its threads has stopped: until then one may still accept a client. SIGCONT lets them go on. */
export async function suspend(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  await vi.waitUntil(() => hasStopped(child), { timeout: 30_000, interval: 1 });
}

function hasStopped({ pid }: ChildProcess): boolean {
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads).every((thread) =>
    /^State:\tT/m.test(readFileSync(`${threads}/${thread}/status`, 'utf8')),
  );
}
