/** The system's limit on open files: how many tunnels it allows, and what to do about it. */
import { readFileSync } from 'node:fs';

/** What to do where there are too few, as a clause. */
export const RAISE_THE_LIMIT = 'raise the limit on open files (LimitNOFILE, ulimit -n)';

/** Two for each tunnel. The others are for listeners, look-ups, the log and the runtime. */
const DESCRIPTORS_PER_TUNNEL = 2;
const RESERVED_DESCRIPTORS = 128;

/** The most tunnels at once that RLIMIT_NOFILE allows, or undefined where it is unknown. Node.js has raised the soft limit already. */
export function tunnelsThatFit(): number | undefined {
  const descriptors = Number(/^Max open files\s+(\d+)/m.exec(readLimits())?.[1]);
  if (Number.isNaN(descriptors)) return undefined;
  return Math.max(0, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_TUNNEL));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return ''; // Not Linux: the limit is unknown.
  }
}
