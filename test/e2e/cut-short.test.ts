/** Clients whose tunnel is not up when the drain is over: each has its line in the log, and Sallyport waits for none of them. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { openClient, type Origin, tcpOrigin } from './harness/peers.ts';
import { startSallyport } from './harness/sallyport.ts';

let nameServer: Socket;
let parent: Origin;
/** Something waits for an answer that never comes. */
let reached: () => void;

beforeAll(async () => {
  nameServer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(nameServer, 'listening');
  nameServer.on('message', () => reached());
  parent = await tcpOrigin((socket) => socket.once('data', () => reached()));
});

afterAll(() => {
  nameServer.close();
  parent.close();
});

const config = (explicit = 'http: forward'): string =>
  configText({
    explicit: [explicit],
    transparent: [`port: ${parent.port}`],
    hosts: { 'silent.test': ['127.0.0.1'] },
    policy: `policy:
  rules:
    - { name: parent, action: allow, hosts: [parent.test], egress: [silent] }
    - { name: all, action: allow }
  destinations: { allow: [loopback] }`,
    more: `egress: [{ name: silent, type: http, address: "127.0.0.1:${parent.port}" }]
timeouts: { drain: 200ms, handshake: 30s, connect: 30s }`,
  }).replace('dns: {', `dns: { servers: ["127.0.0.1:${nameServer.address().port}"], timeout: 30s,`);

const HEARD = [
  { what: 'a name is looked up for a CONNECT', door: 'explicit', words: 'CONNECT slow.test:443 HTTP/1.1\r\n\r\n' },
  {
    what: 'a name is looked up for a request',
    door: 'explicit',
    words: 'GET http://slow.test/ HTTP/1.1\r\nHost: a\r\n\r\n',
  },
  { what: 'a name is looked up for a hello', door: 'transparent', words: helloFor('slow.test') },
  { what: 'a parent is asked by a CONNECT', door: 'explicit', words: 'CONNECT parent.test:443 HTTP/1.1\r\n\r\n' },
  { what: 'a parent is asked by a hello', door: 'transparent', words: helloFor('parent.test') },
  {
    what: 'its destination has its hello and answers nothing',
    door: 'transparent',
    words: helloFor('silent.test'),
    relayed: helloFor('silent.test').length,
  },
];

describe('a drain that is over', () => {
  it.each(HEARD)('ends a client while $what', async ({ door, words, relayed = 0 }) => {
    const proxy = await startSallyport(config());
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    const client = await openClient(proxy.port(door));
    client.socket.write(words);
    await isReached;
    const exit = proxy.stop();
    expect(await client.ended()).toEqual({ bytes: Buffer.alloc(0), wasReset: false });
    const line = await proxy.tunnel({ reason: 'drain' });
    expect(line).toMatchObject({
      outcome: 'refused',
      detail: 'Sallyport ended before the tunnel was up.',
      bytes_up: relayed,
    });
    client.socket.destroy();
    expect(await exit).toBe(0);
  });

  it.each(['report', 'enforce'])('ends a client whose hello is awaited (verify_sni: %s)', async (verifySni) => {
    const proxy = await startSallyport(config(`verify_sni: ${verifySni}`));
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`CONNECT silent.test:${parent.port} HTTP/1.1\r\n\r\n`);
    await once(client.socket, 'data');
    const exit = proxy.stop();
    expect(await client.ended()).toMatchObject({ wasReset: false });
    const line = await proxy.tunnel({ reason: 'drain' });
    expect(line).toMatchObject({
      outcome: 'refused',
      stage: 'verify',
      detail: 'Sallyport ended before the tunnel was up.',
    });
    client.socket.destroy();
    expect(await exit).toBe(0);
  });

  it.each([
    { what: 'nothing', words: '' },
    { what: 'half a head', words: 'CONNECT slow' },
  ])('does not say that a client left which had sent $what', async ({ words }) => {
    const proxy = await startSallyport(config());
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(words);
    await expect.poll(() => proxy.metric('handshakes_active{listener="explicit"}')).toBe(1);
    const exit = proxy.stop();
    const line = await proxy.tunnel({ reason: 'drain' });
    expect(line).toMatchObject({ stage: 'identify', detail: 'Sallyport ended before the tunnel was up.' });
    client.socket.destroy();
    expect(await exit).toBe(0);
  });
});
