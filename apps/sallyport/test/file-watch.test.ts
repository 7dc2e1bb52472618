import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch } from '../src/file-watch.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('the watch of files', () => {
  it('sees what changed while they were read, though they name further ones now', async () => {
    const [file, list] = [join(folder, 'sallyport.yaml'), join(folder, 'hosts.txt')];
    writeFileSync(file, 'first');
    writeFileSync(list, 'example.com');
    let changes = 0;
    const watch = new FileWatch(() => (changes += 1));
    watch.follow([file]);
    watch.aboutToRead();
    writeFileSync(file, 'saved again');
    watch.follow([file, list]);
    await expect.poll(() => changes, { timeout: 20_000 }).toBe(1);
    watch.follow([]);
  });
});
