/** The standard reason phrase of a status (RFC 9110 §15). */
import type * as Http from 'node:http';
import { createRequire } from 'node:module';

// An import of `node:http` reads every export, and Node.js 22 and later load undici for one of them: 40 ms of CPU at the start.
const { STATUS_CODES } = createRequire(import.meta.url)('node:http') as typeof Http; // Node.js's own types.

/** Empty for a status that has none. */
export function statusPhrase(status: number): string {
  return STATUS_CODES[status] ?? '';
}
