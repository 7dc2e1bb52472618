/** A destination that never answers: idle and lifetime of its tunnel run also while an answer to the client's hello is awaited. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { modernHello } from './harness/retry.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const IDLE_MS = 500;
const timeouts = `timeouts: { idle: ${IDLE_MS}ms, handshake: 9s }`;
const hello = modernHello('origin.test');

let silent: Origin;
let parent: Origin;
let proxy: Running;

beforeAll(async () => {
  silent = await tcpOrigin((socket) => socket.resume());
  parent = await tcpOrigin((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n')).resume();
  });
  const reporting = `{ name: reporting, mode: connect, bind: "127.0.0.1:0", verify_sni: report, ${timeouts} }`;
  const brief = `{ name: brief, mode: sni, bind: "127.0.0.1:0", timeouts: { lifetime: ${IDLE_MS}ms, handshake: 9s } }`;
  const byParent = `{ name: by-parent, mode: sni, bind: "127.0.0.1:0", ${timeouts} }`;
  proxy = await startSallyport(
    configText({
      explicit: [timeouts],
      transparent: [timeouts, `port: ${silent.port}`],
      policy: `policy:
  rules:
    - { name: parent, action: allow, listeners: [by-parent, brief], egress: parent }
    - { name: tests, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }`,
      more: `egress: [{ name: parent, type: http, address: "127.0.0.1:${parent.port}" }]`,
    }).replace('admin:', `  - ${reporting}\n  - ${byParent}\n  - ${brief}\nadmin:`),
  );
});

afterAll(async () => {
  await proxy.stop();
  silent.close();
  parent.close();
});

it.each([
  { listener: 'transparent', says: hello },
  { listener: 'by-parent', says: hello },
  { listener: 'explicit', says: hello },
  { listener: 'reporting', says: hello },
  { listener: 'reporting', says: Buffer.alloc(0) },
  { listener: 'brief', says: hello, reason: 'lifetime' },
])('ends in time at the door $listener, after $says.length bytes', async ({ listener, says, reason = 'idle' }) => {
  const before = proxy.lines.length;
  const isExplicit = listener === 'explicit' || listener === 'reporting';
  const port = proxy.port(listener);
  const client = isExplicit ? await openTunnel(port, `origin.test:${silent.port}`) : await openClient(port);
  client.socket.write(says);
  await client.ended();
  client.socket.destroy();
  const line = await proxy.line({ msg: 'tunnel', listener }, before);
  expect(line).toMatchObject({ outcome: 'ok', reason, bytes_up: says.length });
  expect(line['duration_ms']).toBeGreaterThanOrEqual(IDLE_MS);
  expect(line['duration_ms']).toBeLessThan(10 * IDLE_MS);
});
