import { messageOf } from './exit.ts';

/** Explains why the log cannot be written to its destination, and what to do. Used at the start and at a reload. */
export function explainLogError(cause: unknown): string {
  const remedy = 'name a file in a folder that is there and may be written to, or leave log.file out for stdout';
  return `log.file cannot be opened: ${messageOf(cause)}; ${remedy}`;
}
