/** Where all that a run of the tests writes is gathered, so that it is removed at the end, whichever test made it. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

/**
 * Makes the folder that the tests know as `TMPDIR`.
 * @returns what removes it with all that is in it
 */
export function setup({ config: { env } }: { readonly config: Pick<TestProject['config'], 'env'> }): () => void {
  const folder = String(env['TMPDIR']);
  mkdirSync(folder, { recursive: true });
  // Some tests run programs as another user. The umask takes no part in chmod(2).
  chmodSync(folder, 0o1777);
  // A program that was killed a moment ago may still write.
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
