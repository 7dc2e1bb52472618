/** Connections that say nothing, as a balancer or a monitor opens them, told from clients that gave up. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { openClient } from './harness/peers.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';
import { suspend } from './harness/suspend.ts';

const { cert, key } = makeCertificates(['127.0.0.1']);
let proxy: Running;

beforeAll(async () => {
  const door = (name: string, ...lines: readonly string[]): string =>
    [
      `  - name: ${name}`,
      '    mode: connect',
      '    bind: "127.0.0.1:0"',
      ...lines.map((line) => `    ${line}`),
      '',
    ].join('\n');
  const tls = 'tls: { cert: proxy.crt, key: proxy.key }';
  const balanced = 'proxy_protocol: [loopback]';
  const secured = [door('secured', tls), door('balanced', balanced), door('balanced-secured', balanced, tls)].join('');
  const text = configText({ more: 'log: { level: debug }' }).replace('admin:', `${secured}admin:`);
  proxy = await startSallyport(text, { files: { 'proxy.crt': cert, 'proxy.key': key } });
});

afterAll(() => proxy.stop());

type Way = 'FIN' | 'RST';
const casesOf = (...doors: readonly string[]): readonly { door: string; way: Way }[] =>
  doors.flatMap((door) => (['FIN', 'RST'] as const).map((way) => ({ door, way })));
const cases = casesOf('explicit', 'transparent', 'secured');
const balancedCases = casesOf('balanced', 'balanced-secured');

const count = async (door: string, labels: string): Promise<number> =>
  (await proxy.metric(`tunnels_total{listener="${door}",${labels}}`)) ?? 0;

const PROBE = 'outcome="ok",reason="probe"';

/** Opens a connection that was accepted for certain, says `bytes` and leaves; resolves with its line of the log. */
async function visit(door: string, way: Way, bytes = Buffer.alloc(0)): Promise<LogLine> {
  const from = proxy.lines.length;
  const { socket } = await openClient(proxy.port(door));
  const port = socket.localPort;
  await expect.poll(() => proxy.metric(`handshakes_active{listener="${door}"}`)).toBe(1);
  if (bytes.length > 0) await new Promise((resolve) => socket.write(bytes, resolve));
  leave(socket, way);
  const line = await endOf(port, from);
  socket.destroy();
  return line;
}

describe.each(cases)('a connection to the $door door that ends with a $way', ({ door, way }) => {
  it('is a probe where it has said nothing: in the log at debug, and in the metrics', async () => {
    const before = await count(door, PROBE);
    expect(await visit(door, way)).toMatchObject({ level: 'debug', reason: 'probe', outcome: 'ok', bytes_up: 0 });
    expect(await count(door, PROBE)).toBe(before + 1);
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
    await probeAtOnce(door, way);
    expect(await count(door, 'outcome="failed",reason="client_closed"')).toBeLessThanOrEqual(2);
  });
});

describe.each(balancedCases)('a connection to the $door door that ends with a $way before a PROXY header', (check) => {
  const { door, way } = check;

  it('is a probe, however long it was open', async () => {
    const from = proxy.lines.length;
    const { socket } = await openClient(proxy.port(door));
    const port = socket.localPort;
    // Once that of a later connection is read, the header of this one is awaited.
    const later = await openClient(proxy.port(door));
    later.socket.write('PROXY UNKNOWN\r\n');
    await expect.poll(() => proxy.metric(`handshakes_active{listener="${door}"}`)).toBe(1);
    leave(socket, way);
    expect(await endOf(port, from)).toMatchObject({ client: '127.0.0.1', reason: 'probe' });
    const laterPort = later.socket.localPort;
    later.socket.destroy();
    await endOf(laterPort, from);
    socket.destroy();
  });

  it('is a probe also where it ends at once', async () => {
    await probeAtOnce(door, way);
    expect(await count(door, 'outcome="refused",reason="proxy_protocol"')).toBe(0);
  });
});

describe.each(['balanced', 'balanced-secured'])('a check of a balancer at the %s door', (door) => {
  it('is a probe where it sends its PROXY header and then an RST, both before it is accepted', async () => {
    const from = proxy.lines.length;
    await suspend(proxy.process);
    const { socket } = await openClient(proxy.port(door));
    const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
    await new Promise((resolve) => socket.write(local, resolve));
    socket.resetAndDestroy();
    await once(socket, 'close');
    proxy.process.kill('SIGCONT');
    const line = await proxy.line({ msg: 'tunnel', listener: door }, from);
    expect(line).toMatchObject({ level: 'debug', outcome: 'ok', reason: 'probe' });
  });
});

describe('a TLS handshake behind a PROXY header, with nothing behind it', () => {
  const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
  it.each([
    { what: 'is a probe of the balancer, which has sent LOCAL', header: local, reason: 'probe', level: 'debug' },
    {
      what: 'is a probe of the balancer, which has sent UNKNOWN',
      header: 'PROXY UNKNOWN\r\n',
      reason: 'probe',
      level: 'debug',
    },
    {
      what: 'is that of a client who may not accept the certificate, where one is named',
      header: 'PROXY TCP4 192.0.2.7 127.0.0.1 40000 443\r\n',
      reason: 'client_closed',
      level: 'info',
    },
  ])('$what', async ({ header, reason, level }) => {
    const from = proxy.lines.length;
    const { socket } = await openClient(proxy.port('balanced-secured'));
    socket.write(header);
    const secured = connectTls({ socket, rejectUnauthorized: false });
    await once(secured, 'secureConnect');
    secured.end();
    const line = await proxy.line({ msg: 'tunnel', listener: 'balanced-secured' }, from);
    expect(line).toMatchObject({ reason, level });
    secured.destroy();
  });
});

describe.each([
  { door: 'explicit', words: 'CONNECT origin.test:443 HTTP/1.1\r\n\r\n' },
  { door: 'transparent', words: helloFor('origin.test') },
])('a client of the $door door that has left with an RST before it is accepted', ({ door, words }) => {
  it('has failed, and is not denied for an address that is not known any more', async () => {
    await suspend(proxy.process);
    const { socket } = await openClient(proxy.port(door));
    await new Promise((resolve) => socket.write(words, resolve));
    const from = proxy.lines.length;
    socket.resetAndDestroy();
    await once(socket, 'close');
    proxy.process.kill('SIGCONT');
    const line = await proxy.line({ msg: 'tunnel', listener: door }, from);
    // An engine that knows its address may have dialled before it notices.
    expect(line).toMatchObject({ level: 'info', outcome: 'failed' });
    expect(line['decision']).not.toBe('deny');
  });
});

/** The line of a connection that was opened when there were `from` lines: an earlier one may have had the same port. */
function endOf(clientPort: number | undefined, from: number): Promise<LogLine> {
  return proxy.line({ msg: 'tunnel', client_port: clientPort }, from);
}

async function probeAtOnce(door: string, way: Way): Promise<void> {
  const before = await count(door, PROBE);
  const probes = Array.from({ length: 20 }, async () => {
    const socket = connect(proxy.port(door), '127.0.0.1');
    await once(socket, 'connect');
    leave(socket.resume(), way);
    await once(socket, 'close');
  });
  await Promise.all(probes);
  await expect.poll(() => count(door, PROBE)).toBe(before + 20);
}

function leave(socket: Socket, way: Way): void {
  if (way === 'FIN') socket.end();
  else socket.resetAndDestroy();
}
