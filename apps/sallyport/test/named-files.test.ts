/** Files that a configuration names are read in steps, between which anything may happen to them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish } from '@sallyport/config';
import { afterAll, describe, expect, it } from 'vitest';
import { readNamedFile, readNamedFileInSteps } from '../src/named-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
const path = join(folder, 'list.txt');
afterAll(() => rmSync(folder, { recursive: true }));

/** More than is read in one step. */
const LONG = `${'a'.repeat(1_000_000)}\n`;

describe('a named file', () => {
  it.each([
    ['nothing', ''],
    ['one line', 'a.test\n'],
    ['many steps', LONG],
    // Wherever a step ends, it ends within one.
    ['letters of three bytes', '\u20ac'.repeat(500_001)],
    ['letters of four bytes', `a${'\u{1f600}'.repeat(500_001)}`],
  ])('is read as it is: %s', (_, text) => {
    writeFileSync(path, text);
    const read = readNamedFile(path);
    expect(read.kind === 'ok' && read.text === text).toBe(true);
    expect(read).toMatchObject({ digest: createHash('sha256').update(text).digest('hex') });
  });

  it('is the one that it was at first, where another takes its name', () => {
    writeFileSync(path, LONG);
    const steps = readNamedFileInSteps(path);
    steps.next();
    unlinkSync(path);
    writeFileSync(path, 'another');
    expect(finish(steps)).toMatchObject({ kind: 'ok', text: LONG });
  });

  it('is refused where it grows too large while it is read', () => {
    writeFileSync(path, LONG);
    const steps = readNamedFileInSteps(path);
    steps.next();
    truncateSync(path, 200 * 1024 * 1024);
    expect(finish(steps)).toEqual({
      kind: 'unreadable',
      why: `${path} is larger than 128 MiB; is it the right file?`,
    });
  });

  it('is closed where it is read no further', () => {
    writeFileSync(path, LONG);
    const steps = (function* () {
      yield* readNamedFileInSteps(path);
    })();
    steps.next();
    expect(isOpen(path)).toBe(true);
    steps.return();
    expect(isOpen(path)).toBe(false);
  });
});

function isOpen(file: string): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === file;
    } catch {
      // The descriptor by which the folder itself was read.
      return false;
    }
  });
}
