/** Reads from the kernel what a process and its descendants use. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Costed<T> {
  readonly result: T;
  /** Of all threads of all processes, user and system. */
  readonly cpuSeconds: number;
  /** Of those, in the kernel. */
  readonly kernelSeconds: number;
  /** How often a thread waited, for whatever. */
  readonly waits: number;
}

/** The CPU that a process tree uses while something is done, and until it is quiet again: closing tunnels is work too. */
export async function costOf<T>(pid: number, work: () => Promise<T>): Promise<Costed<T>> {
  const before = readUse(pid);
  const result = await work();
  await quietCpuSeconds(pid);
  const after = readUse(pid);
  const ticked = after.ticks - before.ticks;
  const exact = after.exactSeconds - before.exactSeconds;
  // Of threads that came and went meanwhile only the ticks know.
  const cpuSeconds = ticked - exact > MOST_ROUNDING_SECONDS ? ticked : exact;
  const kernelShare = ticked > 0 ? (after.kernelTicks - before.kernelTicks) / ticked : NaN;
  return { result, cpuSeconds, kernelSeconds: kernelShare * cpuSeconds, waits: after.waits - before.waits };
}

/** So much may ticks say too much of a few processes. */
const MOST_ROUNDING_SECONDS = 0.03;

interface Use {
  /** In seconds, as all of these. */
  readonly ticks: number;
  readonly kernelTicks: number;
  /** Of the threads that there are. */
  readonly exactSeconds: number;
  readonly waits: number;
}

function readUse(root: number): Use {
  const tree = processTree(root);
  const stats = tree.map((pid) => readStat(`/proc/${pid}/stat`));
  return {
    ticks: stats.reduce((sum, { ownSeconds, childSeconds }) => sum + ownSeconds + childSeconds, 0),
    kernelTicks: stats.reduce((sum, { kernelSeconds }) => sum + kernelSeconds, 0),
    exactSeconds: tree.reduce((sum, pid) => sum + cpuMicroseconds(pid) / 1e6, 0),
    waits: tree.reduce((sum, pid) => sum + countWaits(pid), 0),
  };
}

/** How often a thread of the process alone has waited so far. */
export function countWaits(pid: number): number {
  return ofEachThread(pid, 'status')
    .map((status) => /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1])
    .reduce((sum, count) => sum + Number(count ?? 0), 0);
}

/** What the kernel tells of each thread; one may end between the list and the look. */
function ofEachThread(pid: number, file: string): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8')];
    } catch {
      return [];
    }
  });
}

/** Waits (a second at most) until 50 ms pass without a tick of CPU. */
export async function quietCpuSeconds(pid: number): Promise<number> {
  let before = cpuSeconds(pid);
  for (let tries = 0; tries < 20; tries++) {
    await delay(50);
    const now = cpuSeconds(pid);
    if (now === before) return now;
    before = now;
  }
  return before;
}

/** The memory of a process tree, shared pages in proportion (PSS). The kernel's socket buffers are not in it. */
export function pssBytes(root: number): number {
  return sumOfMaps(root, /^Pss:\s+(\d+) kB$/m);
}

/** The same with each shared page counted whole (RSS), as most tools show it. */
export function rssBytes(root: number): number {
  return sumOfMaps(root, /^Rss:\s+(\d+) kB$/m);
}

function sumOfMaps(root: number, line: RegExp): number {
  return processTree(root)
    .map((pid) => line.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
    .reduce((sum, kib) => sum + Number(kib ?? 0) * 1024, 0);
}

/** CPU time so far of the process alone. Exact, where /proc/PID/stat counts hundredths of a second (sched-stats.txt of the kernel). */
export function cpuMicroseconds(pid: number): number {
  return ofEachThread(pid, 'schedstat')
    .map((stat) => stat.split(' ')[0])
    .reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1000, 0);
}

/** CPU seconds of each thread, with the thread's name. */
export function threadCpu(pid: number): readonly { readonly name: string; readonly seconds: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const { name, ownSeconds } = readStat(`/proc/${pid}/task/${thread}/stat`);
    return { name, seconds: ownSeconds };
  });
}

/** The process and all its descendants. */
export function processTree(root: number): readonly number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => parentOf(Number(name)));
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return tree;
}

function parentOf(pid: number): readonly { readonly pid: number; readonly parent: number }[] {
  try {
    return [{ pid, parent: readStat(`/proc/${pid}/stat`).parent }];
  } catch {
    return []; // It ended since the folder was listed.
  }
}

/** User and system time so far, of all threads of the process and its descendants; to a hundredth. */
export function cpuSeconds(root: number): number {
  return processTree(root)
    .map((pid) => readStat(`/proc/${pid}/stat`))
    .reduce((sum, { ownSeconds, childSeconds }) => sum + ownSeconds + childSeconds, 0);
}

/** USER_HZ, which every architecture that Node runs on has at 100 (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly ownSeconds: number;
  /** In the kernel, those of children that have ended included. */
  readonly kernelSeconds: number;
  /** Of children that have ended and were waited for. */
  readonly childSeconds: number;
}

function readStat(file: string): Stat {
  const text = readFileSync(file, 'utf8');
  // The name stands in parentheses and may hold some itself.
  const nameEnd = text.lastIndexOf(')');
  const fields = text
    .slice(nameEnd + 2)
    .split(' ')
    .map(Number);
  const ticks = (at: number): number => fields[at] ?? 0;
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    parent: ticks(1),
    ownSeconds: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
    kernelSeconds: (ticks(12) + ticks(14)) / TICKS_PER_SECOND,
    childSeconds: (ticks(13) + ticks(14)) / TICKS_PER_SECOND,
  };
}
