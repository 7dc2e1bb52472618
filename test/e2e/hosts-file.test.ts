/** Lists of hosts in the running program: they decide, and SIGHUP reads them anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { ask, echoOrigin, openTunnel, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const yaml = configText({
  hosts: { 'listed.test': ['127.0.0.1'], 'late.test': ['127.0.0.1'], 'inline.test': ['127.0.0.1'] },
  policy: `policy:
  rules:
    - { name: listed, action: allow, hosts: [inline.test], hosts_file: allowed.txt }
  destinations: { allow: [loopback] }`,
});

let origin: Origin;
let proxy: Running;

beforeAll(async () => {
  origin = await echoOrigin();
  proxy = await startSallyport(yaml, { files: { 'allowed.txt': 'listed.test\n' } });
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

async function statusFor(name: string): Promise<string> {
  const authority = `${name}:${origin.port}`;
  const answer = await ask(proxy.port('explicit'), `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  return answer.slice(9, 12);
}

async function isAllowed(name: string): Promise<boolean> {
  const client = await openTunnel(proxy.port('explicit'), `${name}:${origin.port}`);
  client.socket.destroy();
  return client.heard().toString().startsWith('HTTP/1.1 200 ');
}

describe('hosts_file', () => {
  it('adds to hosts', async () => {
    expect(await isAllowed('listed.test')).toBe(true);
    expect(await isAllowed('inline.test')).toBe(true);
    expect(await statusFor('late.test')).toBe('403');
  });

  it('changes nothing on SIGHUP while the list is wrong, and says in which line', async () => {
    writeFileSync(join(proxy.folder, 'allowed.txt'), 'late.test\nlate..test\n');
    const line = await proxy.reload(yaml);
    expect(line['msg']).toBe('reload failed');
    expect(JSON.stringify(line['problems'])).toContain('allowed.txt:2:1: ');
    expect(await isAllowed('listed.test')).toBe(true);
    expect(await statusFor('late.test')).toBe('403');
  });

  it('is read anew on SIGHUP', async () => {
    writeFileSync(join(proxy.folder, 'allowed.txt'), '*.nothing.test\nlate.test\n');
    expect(await proxy.reload(yaml)).toMatchObject({ msg: 'reloaded' });
    expect(await isAllowed('late.test')).toBe(true);
    expect(await statusFor('listed.test')).toBe('403');
  });
});
