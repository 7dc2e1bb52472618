/** The line that ends a test run: whoever reads only that must see that something failed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-summary-'));
afterAll(() => rmSync(folder, { recursive: true }));

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const reporter = fileURLToPath(new URL('../summary-reporter.ts', import.meta.url));

it.each([
  {
    what: 'a test that fails',
    text: "it('fails', () => { throw new Error(); });",
    line: '0 passed, 1 failed, 0 skipped',
  },
  {
    what: 'a suite that cannot begin',
    text: "describe('suite', () => { beforeAll(() => { throw new Error(); }); it('is not reached', () => undefined); });",
    line: '0 passed, 1 failed, 1 skipped',
  },
  { what: 'a file that cannot begin', text: 'throw new Error();', line: '0 passed, 1 failed, 0 skipped' },
  { what: 'nothing', text: "it('passes', () => undefined);", line: '1 passed, 0 failed, 0 skipped' },
])('counts $what', ({ text, line }) => {
  writeFileSync(join(folder, 'tried.test.js'), text);
  const { stdout } = spawnSync(
    process.execPath,
    [vitest, 'run', '--root', folder, '--globals', '--reporter', reporter],
    {
      encoding: 'utf8',
    },
  );
  expect(stdout.trim().split('\n').at(-1)).toBe(line);
});
