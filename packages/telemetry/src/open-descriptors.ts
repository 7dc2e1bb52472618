/**
 * `process_open_fds`. prom-client's own lists /proc/self/fd on the thread that decides, at a microsecond for each descriptor: with
 * thousands of tunnels a scrape would stop it for tens of milliseconds.
 */
import { readdir, stat } from 'node:fs/promises';
import type { Registry } from 'prom-client';
import { loadPromClient } from './load-library.ts';

const NAME = 'process_open_fds';

/** Declares the gauge in `registry`. Outside of Linux there is none. */
export function countOpenDescriptors(registry: Registry): void {
  if (process.platform !== 'linux') return;
  const { Gauge } = loadPromClient();
  new Gauge({
    name: NAME,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      const count = await openDescriptors();
      if (count !== undefined) this.set(count);
    },
  });
}

const FOLDER = '/proc/self/fd';

/** Undefined without /proc. */
async function openDescriptors(): Promise<number | undefined> {
  try {
    // Its size is the number of descriptors since Linux 6.2, and 0 before.
    const { size } = await stat(FOLDER);
    return size > 0 ? size : (await readdir(FOLDER)).length - 1;
  } catch {
    return undefined;
  }
}
