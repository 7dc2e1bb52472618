/** Why the log cannot go where it is to go, and what to do: for the start, and for a reload. */
export function explainLogError(cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  const remedy = 'name a file in a folder that is there and may be written to, or leave log.file out for stdout';
  return `log.file cannot be opened: ${why}; ${remedy}`;
}
