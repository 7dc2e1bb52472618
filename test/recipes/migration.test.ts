/** Every configuration of MIGRATING.md runs: one tunnel comes through it, and one is refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helloFor } from '../e2e/harness/hello.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin } from '../e2e/harness/peers.ts';
import { startSallyport } from '../e2e/harness/sallyport.ts';
import { loopbackCopy } from './loopback-copy.ts';

const root = new URL('../../', import.meta.url);
const files = readdirSync(new URL('configs/migration/', root));

let origin: Origin;
beforeAll(async () => void (origin = await echoOrigin()));
afterAll(() => origin.close());

describe('a configuration to move to', () => {
  it.each(files)('configs/migration/%s lets through what it allows, and nothing else', async (file) => {
    const { text, allowed, denied, listener, mode } = loopbackCopy(`migration/${file}`, { port: origin.port });
    const proxy = await startSallyport(text);
    if (mode === 'connect') {
      const client = await openTunnel(proxy.port(listener), `${allowed}:${origin.port}`);
      client.socket.write('through');
      await client.hears('through');
      client.socket.destroy();
      const refusal = await ask(
        proxy.port(listener),
        `CONNECT ${denied}:${origin.port} HTTP/1.1\r\nHost: ${denied}\r\n\r\n`,
      );
      expect(refusal).toMatch(/^HTTP\/1\.1 403 /);
    } else {
      const client = await openClient(proxy.port(listener));
      client.socket.write(helloFor(allowed));
      expect(await client.hears(helloFor(allowed).length)).toEqual(helloFor(allowed));
      client.socket.destroy();
      const refused = await openClient(proxy.port(listener));
      refused.socket.write(helloFor(denied));
      expect((await refused.ended()).bytes.subarray(5)).toEqual(Buffer.of(2, 49)); // fatal access_denied
      refused.socket.destroy();
    }
    expect(await proxy.tunnel({ reason: 'policy' })).toMatchObject({ host: denied });
    await proxy.stop();
  });

  it('is linked from MIGRATING.md', () => {
    const guide = readFileSync(new URL('MIGRATING.md', root), 'utf8');
    expect(files.filter((file) => !guide.includes(`(configs/migration/${file})`))).toEqual([]);
  });
});
