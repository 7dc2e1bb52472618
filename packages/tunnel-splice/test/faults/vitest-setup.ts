/** Builds what the processes of the project `faults` are started with. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildInterposition } from '../../../../test/e2e/harness/system-calls.ts';

/** @returns what removes it */
export function setup({ config: { env } }: TestProject): () => void {
  const files = { library: String(env['LD_PRELOAD']), orders: String(env['SYSTEM_CALLS_FILE']) };
  try {
    buildInterposition(files);
  } catch (cause) {
    // The test skips, and says so.
    console.warn(`no call can be made to fail: ${String(cause)}`);
  }
  return () => rmSync(dirname(files.library), { recursive: true, force: true });
}
