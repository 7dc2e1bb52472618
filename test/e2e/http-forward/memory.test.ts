/** What either side sends and the other does not take is bounded: a process with little heap stays alive, and serves others. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask, type Client, openClient } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';
import { forwarding, get, MIB, useHttpStage } from './stage.ts';

const stage = useHttpStage();
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const url = (path = '/'): string => `http://127.0.0.1:${stage.rawPort}${path}`;
let proxy: Running;

beforeAll(async () => {
  const more = 'limits: { tunnels_per_client: 5000 }';
  proxy = await startSallyport(configText({ ...forwarding, more }), { nodeOptions: ['--max-old-space-size=64'] });
});

afterAll(async () => {
  await proxy.stop();
});

/** Asks for another request all the while, on a connection of its own. */
async function isServing(): Promise<boolean> {
  return (await ask(proxy.port('explicit'), get(stage.at('/alive'), 'Connection: close'))).startsWith('HTTP/1.1 200 ');
}

/** Writes `bytes` again and again until `totalBytes` have gone, or the peer takes no more. */
async function pour(socket: Socket, bytes: Buffer, totalBytes: number): Promise<void> {
  socket.on('error', () => socket.destroy());
  for (let sent = 0; sent < totalBytes && !socket.destroyed; sent += bytes.length) {
    if (socket.write(bytes)) continue;
    const stuck = new AbortController();
    const timer = setTimeout(() => stuck.abort(), 500);
    await once(socket, 'drain', { signal: stuck.signal }).catch(() => (sent = totalBytes));
    clearTimeout(timer);
  }
}

describe('memory', () => {
  it('does not grow with requests that wait behind one that hangs', async () => {
    stage.rawAnswer = () => undefined;
    const clients: Client[] = [];
    for (let count = 0; count < 150; count += 1) {
      const client = await openClient(proxy.port('explicit'));
      client.socket.write(get(url()) + 'GET / HTTP/1.1\r\n\r\n'.repeat(2000));
      clients.push(client);
    }
    await expect.poll(() => proxy.metric('tunnels_active{listener="explicit"}'), { timeout: 30_000 }).toBe(150);
    expect(await isServing()).toBe(true);
    for (const { socket } of clients) socket.resetAndDestroy();
  }, 60_000);

  it('does not grow with interim responses that a client does not read', async () => {
    const interim = Buffer.from(`HTTP/1.1 103 Early Hints\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`);
    stage.rawAnswer = (socket) => void pour(socket, interim, 128 * MIB);
    const client = await openClient(proxy.port('explicit'));
    client.socket.pause();
    client.socket.write(get(url()));
    expect(await isServing()).toBe(true);
    client.socket.resume();
    expect((await client.ended()).bytes.toString()).toMatch(/HTTP\/1\.1 502 [^]*\(bad_response, /);
  }, 60_000);

  it('does not grow with chunks of one byte that an origin does not read, nor with such that a client does not', async () => {
    const chunks = Buffer.from('1\r\nx\r\n'.repeat(10_000));
    stage.rawAnswer = (socket) => void socket.pause();
    const up = await openClient(proxy.port('explicit'));
    up.socket.write(`PUT ${url()} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    await pour(up.socket, chunks, 128 * MIB);
    stage.rawAnswer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      void pour(socket, chunks, 128 * MIB);
    };
    const down = await openClient(proxy.port('explicit'));
    down.socket.pause();
    down.socket.write(get(url()));
    expect(await isServing()).toBe(true);
    stage.rawAnswer = (socket) => socket.end(answer);
    up.socket.resetAndDestroy(); // A FIN would wait behind all that nobody takes.
    down.socket.resetAndDestroy();
    expect(await isServing()).toBe(true);
  }, 60_000);
});
