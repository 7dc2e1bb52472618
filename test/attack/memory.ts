/** The memory of the proxy under attack. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What the attacked process does for the measurement alone: it collects its garbage when it gets this signal. */
export const COLLECT_SIGNAL = 'SIGWINCH';

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

const SETTLE_MS = 20_000;
/** A reading without a goal ends after so long. */
const BASE_MS = 2000;

/**
 * What the heap holds and what hangs on it outside, once garbage is gone: the first reading that is no more than `goal`, else the lowest
 * of the readings of 20 s. What a tunnel's end leaves to do takes a moment. NaN where the process answers no more.
 */
export async function settledBytes(pid: number, adminPort: number, goal?: number): Promise<number> {
  const deadline = performance.now() + (goal === undefined ? BASE_MS : SETTLE_MS);
  let lowest = Infinity;
  try {
    while (performance.now() < deadline && lowest > (goal ?? 0)) {
      process.kill(pid, COLLECT_SIGNAL);
      await delay(300);
      lowest = Math.min(lowest, await heapBytes(adminPort));
    }
    return lowest;
  } catch {
    return NaN; // Whether it is dead or does not answer: the table says so, and holds it against the case.
  }
}

async function heapBytes(adminPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const read = (name: string): number =>
    Number(new RegExp(`^(?:sallyport_)?nodejs_${name} ([\\d.e+]+)`, 'm').exec(text)?.[1] ?? NaN);
  return read('heap_size_used_bytes') + read('external_memory_bytes');
}
