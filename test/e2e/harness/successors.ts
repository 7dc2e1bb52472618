/** The processes that a takeover leaves behind. */
import type { Running } from './sallyport.ts';

/** Sends a signal, unless the process has ended by itself. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // There is no such process any more.
  }
}

/** Ends those that have taken over from this one. */
export function endSuccessors({ lines }: Running): void {
  for (const { msg, pid } of lines) if (msg === 'successor serves') signal(Number(pid), 'SIGTERM');
}
