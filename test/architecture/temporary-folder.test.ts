import { existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { setup } from '../temporary-folder.ts';

it('makes a folder for everybody, and removes it with what was left in it', () => {
  const TMPDIR = join(tmpdir(), 'of-a-run');
  const remove = setup({ config: { env: { TMPDIR } } });
  expect(statSync(TMPDIR).mode & 0o7777).toBe(0o1777);
  const left = mkdtempSync(join(TMPDIR, 'left-'));
  mkdirSync(join(left, 'inner'));
  writeFileSync(join(left, 'inner', 'key.pem'), '');
  remove();
  expect(existsSync(TMPDIR)).toBe(false);
});

it('is where this test writes', () => {
  expect(tmpdir()).toMatch(/\/sallyport-run-\d+$/);
});
