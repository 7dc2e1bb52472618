/** Programs of others that tests run where they are installed. */
import { spawnSync } from 'node:child_process';

/** Whether the program is there; says so where it is not, for its tests skip then. */
export function isInstalled(program: string): boolean {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!isThere) process.stderr.write(`SKIPPED: ${program} is not installed\n`);
  return isThere;
}
