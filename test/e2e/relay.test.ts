/** The relay at work in the real binary: whole, in bulk, in numbers, and with nothing left behind. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { ask, echoOrigin, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { descriptorsOf, residentMiBOf } from './harness/process-facts.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const MiB = 1024 * 1024;
let echo: Origin;
let proxy: Running;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(configText({ more: 'limits: { tunnels_per_client: 20000 }\nlog: { access: true }' }));
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

const door = (): number => proxy.port('explicit');
const descriptors = (): number => descriptorsOf(proxy);
const residentMiB = (): number => residentMiBOf(proxy);

/** Sends `total` bytes made of one random block and resolves with their SHA-256. */
async function sendBulk(socket: Socket, total: number): Promise<string> {
  const block = randomBytes(MiB);
  const hash = createHash('sha256');
  for (let sent = 0; sent < total; sent += block.length) {
    hash.update(block);
    if (!socket.write(block)) await once(socket, 'drain');
  }
  socket.end();
  return hash.digest('hex');
}

/** By events: iterating over a socket destroys it at its FIN, whatever is still to be sent the other way. */
async function receiveBulk(socket: Socket): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  socket.on('data', (data: Buffer) => {
    bytes += data.length;
    hash.update(data);
  });
  await once(socket, 'end');
  return { bytes, hash: hash.digest('hex') };
}

describe('a tunnel', () => {
  it('carries 256 MiB both ways at once, unchanged', async () => {
    const total = 256 * MiB;
    let atOrigin: Promise<[string, { bytes: number; hash: string }]> | undefined;
    const origin = await tcpOrigin((socket) => {
      atOrigin = once(socket, 'readable').then(() => Promise.all([sendBulk(socket, total), receiveBulk(socket)]));
    });
    const client = await openTunnel(door(), `127.0.0.1:${origin.port}`);
    client.socket.removeAllListeners('data');
    const [sentHash, received] = await Promise.all([sendBulk(client.socket, total), receiveBulk(client.socket)]);
    const [originSentHash, originReceived] = (await atOrigin) ?? [];
    origin.close();
    expect(originReceived).toEqual({ bytes: total, hash: sentHash });
    expect(received).toEqual({ bytes: total, hash: originSentHash });
    expect(await proxy.tunnel({ port: origin.port })).toMatchObject({ bytes_up: total, bytes_down: total });
  }, 60_000);

  it("passes a client's FIN on and leaves the other direction open", async () => {
    const origin = await tcpOrigin((socket) => {
      socket.resume().on('end', () => socket.end('said after your FIN'));
    });
    const client = await openTunnel(door(), `127.0.0.1:${origin.port}`);
    client.socket.end('all I have');
    const { bytes, wasReset } = await client.ended();
    origin.close();
    expect(bytes.toString()).toContain('said after your FIN');
    expect(wasReset).toBe(false);
    expect(await proxy.tunnel({ port: origin.port })).toMatchObject({
      reason: 'client_closed',
      bytes_up: 10,
      bytes_down: 19,
    });
  });

  it('passes an RST on as an RST', async () => {
    const origin = await tcpOrigin((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const client = await openTunnel(door(), `127.0.0.1:${origin.port}`);
    client.socket.write('x');
    expect((await client.ended()).wasReset).toBe(true);
    origin.close();
    expect(await proxy.tunnel({ port: origin.port })).toMatchObject({ outcome: 'ok', reason: 'upstream_reset' });
  });

  it('costs less than 64 MiB when 1 GiB is offered to a reader that stopped', async () => {
    let accepted = 0;
    const origin = await tcpOrigin((socket) => {
      const block = Buffer.alloc(MiB);
      const offer = (): void => {
        while (accepted < 1024 * MiB) {
          accepted += block.length;
          if (!socket.write(block)) return;
        }
      };
      socket.on('drain', offer);
      offer();
    });
    const relayed = async (): Promise<number> =>
      (await proxy.metric('bytes_total{listener="explicit",direction="down"}')) ?? 0;
    const relayedBefore = await relayed();
    const before = residentMiB();
    const client = await openTunnel(door(), `127.0.0.1:${origin.port}`);
    client.socket.pause();
    // The origin has stalled once nothing more was taken from it for a while: ask the proxy's own count.
    let last = -1;
    await expect
      .poll(
        async () => {
          const now = await relayed();
          const hasStalled = now > relayedBefore && now === last;
          last = now;
          return hasStalled;
        },
        { interval: 300, timeout: 30_000 },
      )
      .toBe(true);
    const grown = residentMiB() - before;
    client.socket.destroy();
    origin.close();
    expect(grown).toBeLessThan(64);
  }, 60_000);
});

describe('a destination that does not answer a ClientHello', () => {
  it.each(['idle', 'lifetime'])('has timeouts.%s like any other', async (reason) => {
    const mute = await tcpOrigin((socket) => socket.resume());
    const timeouts = `timeouts: { ${reason}: 500ms, handshake: 5m }`;
    const impatient = await startSallyport(configText({ transparent: [`port: ${mute.port}`, timeouts] }));
    expect(await ask(impatient.port('transparent'), helloFor('origin.test'))).toBe('');
    await impatient.tunnel({ reason, outcome: 'ok', bytes_up: helloFor('origin.test').length });
    await impatient.stop();
    mute.close();
  });
});

describe('many tunnels', () => {
  it('serves 2,000 at once', async () => {
    const clients = await Promise.all(Array.from({ length: 2000 }, () => openTunnel(door(), `127.0.0.1:${echo.port}`)));
    await expect.poll(() => proxy.metric('tunnels_active{listener="explicit"}')).toBe(2000);
    await Promise.all(
      clients.map(async (client, index) => {
        client.socket.end(`number ${index}.`);
        await client.hears(`number ${index}.`);
        await client.ended();
      }),
    );
    await expect.poll(() => proxy.metric('tunnels_active{listener="explicit"}')).toBe(0);
  }, 60_000);

  it('leaves no descriptor behind after 10,000 short ones', async () => {
    const before = descriptors();
    const one = async (): Promise<void> => {
      const client = await openTunnel(door(), `127.0.0.1:${echo.port}`);
      client.socket.end('x');
      await client.ended();
      client.socket.destroy();
    };
    for (let round = 0; round < 100; round += 1) await Promise.all(Array.from({ length: 100 }, one));
    await expect.poll(descriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before);
  }, 90_000);
});
