/** A port mapping in front of us leads back to our own door: no list of addresses tells, but the hello does. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { type Origin, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let mapping: Origin;
let arrivals = 0;
let doorPort = 0;

beforeAll(async () => {
  mapping = await tcpOrigin((socket) => {
    arrivals += 1;
    join(socket, connect({ port: doorPort, host: '127.0.0.1', allowHalfOpen: true }));
  });
  proxy = await startSallyport(configText({ transparent: [`port: ${mapping.port}`] }));
  doorPort = proxy.port('transparent');
});

afterAll(async () => {
  await proxy.stop();
  mapping.close();
});

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    // prettier-ignore
    from.pipe(to);
    from.on('error', () => to.destroy());
  }
}

it('is refused before it has gone round more than a few times, and every tunnel of it ends', async () => {
  const client = connectTls({ port: doorPort, host: '127.0.0.1', servername: 'origin.test' });
  const failure = await new Promise<Error>((resolve) => client.on('error', resolve));
  expect(failure.message).toContain('alert internal error');

  const line = await proxy.tunnel({ reason: 'loop', listener: 'transparent' });
  expect(line).toMatchObject({ outcome: 'refused', decision: 'deny', host: 'origin.test' });
  expect(arrivals).toBe(3);
});

it('does not keep a client from coming again', async () => {
  const before = proxy.lines.length;
  const client = connectTls({ port: doorPort, host: '127.0.0.1', servername: 'origin.test' });
  await new Promise((resolve) => client.on('error', resolve));
  expect(arrivals).toBe(6);
  await proxy.line({ msg: 'tunnel', reason: 'loop' }, before);
});
