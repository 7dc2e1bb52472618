import { messageOf } from './exit.ts';

/** Explains why the log cannot be written to its destination, and what to do. Used at the start and at a reload. */
export function explainLogError(cause: unknown): string {
  return `log.file cannot be opened: ${messageOf(cause)}; ${remedyOf(cause)}`;
}

function remedyOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  // Of a FIFO (fifo(7)); a socket has the same code.
  if (code === 'ENXIO') return 'nothing reads there; if it is a FIFO, start its reader first';
  return 'name a file in a folder that is there and may be written to, or leave log.file out for stdout';
}
