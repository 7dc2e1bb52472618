/** Connections that say nothing, as a balancer or a monitor opens them, told from clients that gave up. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { openClient } from './harness/peers.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';

const { cert, key } = makeCertificates(['127.0.0.1']);
let proxy: Running;

beforeAll(async () => {
  const secured = `  - name: secured
    mode: connect
    bind: "127.0.0.1:0"
    tls: { cert: proxy.crt, key: proxy.key }
`;
  const text = configText({ more: 'log: { level: debug }' }).replace('admin:', `${secured}admin:`);
  proxy = await startSallyport(text, { files: { 'proxy.crt': cert, 'proxy.key': key } });
});

afterAll(() => proxy.stop());

const doors = ['explicit', 'transparent', 'secured'] as const;
const ways = ['FIN', 'RST'] as const;
const cases = doors.flatMap((door) => ways.map((way) => ({ door, way })));

const count = async (door: string, labels: string): Promise<number> =>
  (await proxy.metric(`tunnels_total{listener="${door}",${labels}}`)) ?? 0;

/** Opens a connection that was accepted for certain, says `bytes` and leaves; resolves with its line of the log. */
async function visit(door: string, way: 'FIN' | 'RST', bytes = Buffer.alloc(0)): Promise<LogLine> {
  const { socket } = await openClient(proxy.port(door));
  const port = socket.localPort;
  await expect.poll(() => proxy.metric(`handshakes_active{listener="${door}"}`)).toBe(1);
  if (bytes.length > 0) await new Promise((resolve) => socket.write(bytes, resolve));
  if (way === 'FIN') socket.end();
  else socket.resetAndDestroy();
  const line = await proxy.tunnel({ client_port: port });
  socket.destroy();
  return line;
}

describe.each(cases)('a connection to the $door door that ends with a $way', ({ door, way }) => {
  it('is a probe where it has said nothing: in the log at debug, and in the metrics', async () => {
    const before = await count(door, 'outcome="ok",reason="probe"');
    expect(await visit(door, way)).toMatchObject({ level: 'debug', reason: 'probe', outcome: 'ok', bytes_up: 0 });
    expect(await count(door, 'outcome="ok",reason="probe"')).toBe(before + 1);
    expect(await proxy.metric(`tunnel_seconds_count{listener="${door}"}`)).toBe(0);
    expect(await proxy.metric(`handshakes_active{listener="${door}"}`)).toBe(0);
  });

  it('is client_closed where it has said something', async () => {
    const beginning = door === 'explicit' ? Buffer.from('CONN') : Buffer.of(22, 3, 1);
    expect(await visit(door, way, beginning)).toMatchObject({
      level: 'info',
      reason: 'client_closed',
      outcome: 'failed',
    });
  });

  it('is a probe also where it ends at once', async () => {
    const before = await count(door, 'outcome="ok",reason="probe"');
    const probes = Array.from({ length: 20 }, async () => {
      const socket = connect(proxy.port(door), '127.0.0.1');
      await once(socket, 'connect');
      if (way === 'FIN') socket.end().resume();
      else socket.resetAndDestroy();
      await once(socket, 'close');
    });
    await Promise.all(probes);
    await expect.poll(() => count(door, 'outcome="ok",reason="probe"')).toBe(before + 20);
    expect(await count(door, 'outcome="failed",reason="client_closed"')).toBeLessThanOrEqual(2);
  });
});
