/** What a client offers by ALPN is a stranger's to choose: it must not outlive its tunnel, nor weigh much while that is up. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { clientHello, serverName } from '../harness/hello.ts';
import { type Client, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

const TUNNELS = 600;
const AT_ONCE = 20;
/** Kept whole, these offers would weigh some 130 MiB. */
const HEAP_MIB = 80;

let proxy: Running;
let origin: Origin;

beforeAll(async () => {
  origin = await tcpOrigin((socket) => {
    socket.once('data', () => socket.write('up'));
    socket.on('end', () => socket.end());
  });
  const transparent = [`port: ${origin.port}`];
  proxy = await startSallyport(configText({ transparent }), { nodeOptions: [`--max-old-space-size=${HEAP_MIB}`] });
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

it('serves clients that each offer thousands of protocols of their own, live and gone', async () => {
  const live: Client[] = [];
  for (let made = 0; made < TUNNELS; made += AT_ONCE) {
    const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => openWith(offer())));
    live.push(...clients);
  }
  for (const { socket } of live) socket.end();
  await Promise.all(live.map((client) => client.ended()));
  for (const { socket } of live) socket.destroy();

  const line = await proxy.tunnel({ outcome: 'ok' });
  expect(line['alpn']).toHaveLength(16);
  expect(line['alpn_more']).toBe(OFFERED - 16);
  expect(JSON.stringify(line).length).toBeLessThan(4_096);
  expect(proxy.process.exitCode).toBeNull();
});

const OFFERED = 5_300;

/** In two bytes each, and no two clients the same. */
function offer(): Buffer {
  const names = randomBytes(2 * OFFERED);
  const list = Buffer.alloc(2 + 3 * OFFERED);
  list.writeUInt16BE(3 * OFFERED);
  for (let at = 0; at < OFFERED; at++) {
    list[2 + 3 * at] = 2;
    names.copy(list, 3 + 3 * at, 2 * at, 2 * at + 2);
  }
  return list;
}

async function openWith(alpn: Buffer): Promise<Client> {
  const client = await openClient(proxy.port('transparent'));
  client.socket.write(
    clientHello(
      new Map([
        [0, serverName('origin.test')],
        [16, alpn],
      ]),
    ),
  );
  await client.hears('up');
  return client;
}
