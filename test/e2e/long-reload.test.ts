/** A reload that reads a long list: clients are served meanwhile, and further signals count. */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { echoOrigin, openTunnel, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

/** They take some quarter of a second to read, and a tunnel some milliseconds to be set up. */
const NAMES = 150_000;

const yaml = configText({
  hosts: { 'inline.test': ['127.0.0.1'], 'first.test': ['127.0.0.1'], 'second.test': ['127.0.0.1'] },
  policy: `policy:
  rules:
    - { name: listed, action: allow, hosts: [inline.test], hosts_file: allowed.txt }
  destinations: { allow: [loopback] }`,
});

let origin: Origin;
let proxy: Running;

beforeEach(async () => {
  origin = await echoOrigin();
  proxy = await startSallyport(yaml, { files: { 'allowed.txt': '' } });
});

afterEach(async () => {
  await proxy.stop();
  origin.close();
});

/** Replaces the list at once, as package managers do. */
function list(name: string): void {
  const names = Array.from({ length: NAMES }, (_, number) => `host-${number}.${name}\n`);
  writeFileSync(join(proxy.folder, 'new.txt'), `${names.join('')}${name}\n`);
  renameSync(join(proxy.folder, 'new.txt'), join(proxy.folder, 'allowed.txt'));
}

async function isAllowed(name: string): Promise<boolean> {
  const client = await openTunnel(proxy.port('explicit'), `${name}:${origin.port}`);
  client.socket.destroy();
  return client.heard().toString().startsWith('HTTP/1.1 200 ');
}

it('serves clients while a list is read that has changed', async () => {
  list('first.test');
  const before = proxy.lines.length;
  proxy.process.kill('SIGHUP');
  let served = 0;
  while (!proxy.lines.slice(before).some(({ msg }) => msg === 'reloaded')) {
    expect(await isAllowed('inline.test')).toBe(true);
    served += 1;
  }
  expect(await isAllowed('first.test')).toBe(true);
  // Where clients wait for the list, it is one or two.
  expect(served).toBeGreaterThan(5);
});

it('reads a list again that changes while it is read', async () => {
  const before = proxy.lines.length;
  list('first.test');
  proxy.process.kill('SIGHUP');
  list('second.test');
  proxy.process.kill('SIGHUP');
  await proxy.line({ msg: 'reloaded' }, before);
  const first = proxy.lines.findIndex(({ msg }, at) => at >= before && msg === 'reloaded');
  await proxy.line({ msg: 'reloaded' }, first + 1);
  expect(await isAllowed('second.test')).toBe(true);
});

it('leaves a list that is half read, where the process is to end', async () => {
  list('first.test');
  proxy.process.kill('SIGHUP');
  proxy.process.kill('SIGTERM');
  const [code] = (await once(proxy.process, 'close')) as [number];
  expect(code).toBe(0);
  const told = proxy.lines.map(({ msg }) => msg);
  expect(told).toContain('SIGHUP is ignored: this process is about to end');
  expect(told).not.toContain('reloaded');
});
