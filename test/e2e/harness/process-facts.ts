/** What the kernel knows of a running Sallyport. Linux only, as the end-to-end suite is. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Running } from './sallyport.ts';

/** How many descriptors it holds. */
export function descriptorsOf({ process }: Running): number {
  return readdirSync(`/proc/${process.pid}/fd`).length;
}

export function residentMiBOf({ process }: Running): number {
  const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
