import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('hostile-zone-process.js', import.meta.url));

it('holds what a hostile zone may fill, in a process with a small heap', { timeout: 60_000 }, async () => {
  // Unbounded, the 40 large answers alone would take most of this heap.
  const run = promisify(execFile)(process.execPath, ['--max-old-space-size=32', '--expose-gc', SCRIPT]);
  const { large, many, heldBytes } = JSON.parse((await run).stdout) as Record<string, unknown>;
  expect(large).toEqual({ longest: 64, isLastCached: true });
  expect(many).toEqual({ longest: 64, isLastCached: true });
  // The 2,048 bytes an entry of the cache and the 1,024 of the recent addresses, for 1,000 names, and as much again for all else.
  expect(heldBytes).toBeLessThan(6 * 1024 * 1024);
});
