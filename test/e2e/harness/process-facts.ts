/** What the kernel knows of a running Sallyport. Linux only, as the end-to-end suite is. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Running } from './sallyport.ts';

/** How many descriptors it holds. */
export function descriptorsOf({ process }: Running): number {
  return readdirSync(`/proc/${process.pid}/fd`).length;
}

/** The limit (RLIMIT_NOFILE) under which it can open so many more: the limit is one of numbers, and some lower ones may be free. */
export function limitThatLeaves(count: number, { process }: Running): number {
  const taken = new Set(readdirSync(`/proc/${process.pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < count; limit += 1) if (!taken.has(limit)) free += 1;
  return limit;
}

export function residentMiBOf({ process }: Running): number {
  const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** What all its threads have used so far. */
export function cpuMsOf(running: Pick<Running, 'process'>): number {
  const nanoseconds = ofEachThread(running, 'schedstat').map((stat) => Number(stat.split(' ')[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** How often its threads have gone to sleep so far, each of which ended with a wake-up. */
export function waitsOf(running: Running): number {
  const counts = ofEachThread(running, 'status').map((status) =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}

function ofEachThread({ process }: Pick<Running, 'process'>, file: string): readonly string[] {
  const threads = `/proc/${process.pid}/task`;
  return readdirSync(threads).map((thread) => readFileSync(`${threads}/${thread}/${file}`, 'utf8'));
}
