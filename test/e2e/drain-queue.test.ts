/** Connections that wait in the kernel's queue when SIGTERM comes: all of them are answered, and none is let in. */
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { type Client, echoOrigin, openClient, openTunnel, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { suspend } from './harness/suspend.ts';

const QUEUED = 40;

let proxy: Running;
let echo: Origin;
afterEach(async () => {
  proxy.process.kill('SIGCONT');
  echo.close();
  await proxy.stop();
});

/** A process that is stopped accepts nothing: what comes meanwhile is queued, and so is the signal. */
async function queue(listener: string, words: Uint8Array | string): Promise<readonly Client[]> {
  await suspend(proxy.process);
  const clients = await Promise.all(Array.from({ length: QUEUED }, () => openClient(proxy.port(listener))));
  await Promise.all(clients.map(({ socket }) => new Promise<void>((resolve) => socket.write(words, () => resolve()))));
  // Longer than any pause of a process that runs.
  await delay(300);
  return clients;
}

async function drain(): Promise<void> {
  proxy.process.kill('SIGTERM');
  proxy.process.kill('SIGCONT');
  await proxy.line({ msg: 'draining' });
}

describe('SIGTERM', () => {
  it('has CONNECTs that are queued refused with 503, and no tunnel cut', async () => {
    echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const clients = await queue('explicit', `CONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\n\r\n`);
    await drain();
    const answers = await Promise.all(clients.map(async (client) => (await client.hears('\r\n\r\n')).toString()));
    expect(new Set(answers.map((answer) => answer.slice(9, 12)))).toEqual(new Set(['503']));
    live.socket.write('still here');
    await live.hears('still here');
    for (const { socket } of [live, ...clients]) socket.destroy();
  });

  it('has ClientHellos that are queued refused with an alert', async () => {
    echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const clients = await queue('transparent', helloFor('origin.test'));
    await drain();
    for (const client of clients) expect((await client.ended()).bytes).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 80]));
    const refused = (): number => proxy.lines.filter(({ reason }) => reason === 'overload').length;
    await expect.poll(refused, { timeout: 30_000 }).toBe(QUEUED);
    for (const { socket } of [live, ...clients]) socket.destroy();
  });

  it.each([
    { what: 'at once', header: undefined },
    { what: 'behind a PROXY header', header: 'PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n' },
  ])(
    'has clients of a door with TLS that are queued told 503 $what, though nothing else is live',
    async ({ header }) => {
      echo = await echoOrigin();
      const { cert, key } = makeCertificates(['127.0.0.1']);
      const door = ['tls: { cert: proxy.crt, key: proxy.key }', ...(header ? ['proxy_protocol: [loopback]'] : [])];
      proxy = await startSallyport(configText({ explicit: door }), { files: { 'proxy.crt': cert, 'proxy.key': key } });
      const clients = await queue('explicit', header ?? '');
      const answers = clients.map(async ({ socket }) => {
        const secured = connectTls({ socket, rejectUnauthorized: false });
        secured.write('CONNECT a.test:443 HTTP/1.1\r\n\r\n');
        return text(secured);
      });
      await drain();
      for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    },
  );

  it('is not kept waiting by a balancer that is to say which client it speaks for', async () => {
    echo = await echoOrigin();
    const handshakeMs = 15_000;
    proxy = await startSallyport(
      configText({ explicit: ['proxy_protocol: [loopback]', `timeouts: { handshake: ${handshakeMs}ms }`] }),
    );
    const balancer = await openClient(proxy.port('explicit'));
    balancer.socket.write('PROXY ');
    // It is accepted by now, and its first bytes are read: later clients were.
    const live = await openClient(proxy.port('explicit'));
    live.socket.write(`PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\nCONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\n\r\n`);
    await live.hears('\r\n\r\n');
    const signalledAt = performance.now();
    proxy.process.kill('SIGTERM');
    await proxy.line({ msg: 'draining' });
    expect(performance.now() - signalledAt).toBeLessThan(handshakeMs / 2);
    for (const { socket } of [live, balancer]) socket.destroy();
  });
});
