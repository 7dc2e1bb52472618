/** A connection whose PROXY header is under way when the process drains, is followed by another, or reads its file again. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText, testedRuntime } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let echo: Origin;
afterEach(async () => {
  await proxy.stop();
  echo.close();
});

const BALANCED = 'proxy_protocol: [loopback]';
const SECURED = 'tls: { cert: proxy.crt, key: proxy.key }';
const HEADER = 'PROXY TCP4 192.0.2.7 192.0.2.1 7007 443\r\n';
const { cert, key } = makeCertificates(['127.0.0.1']);
/** A balanced door with TLS, and one without. */
const kinds = [
  { kind: 'a plain door', door: [BALANCED], send: sendPlain },
  { kind: 'a door with TLS', door: [BALANCED, SECURED], send: sendSecured },
];

interface Parts {
  readonly door?: readonly string[];
  readonly more?: string;
  readonly runtime?: string;
  readonly rules?: string;
}

function textOf({ door = [BALANCED], more = '', runtime, rules = '' }: Parts): string {
  const policy = `policy: { default: allow, rules: [${rules}], destinations: { allow: [loopback] } }`;
  const all = configText({ explicit: door, policy, more });
  return runtime === undefined ? all : all.replace(testedRuntime(), testedRuntime().replace('}', `, ${runtime} }`));
}

async function start(parts: Parts): Promise<void> {
  echo = await echoOrigin();
  proxy = await startSallyport(textOf(parts), { files: { 'proxy.crt': cert, 'proxy.key': key } });
}

/** Resolves once the proxy has read `beginning`: a header that came later is read to its end. */
async function openBalancer(beginning: string): Promise<Client> {
  const balancer = await openClient(proxy.port('explicit'));
  if (beginning !== '') balancer.socket.write(beginning);
  const later = await openClient(proxy.port('explicit'));
  later.socket.write('no header\r\n');
  await later.ended();
  later.socket.destroy();
  return balancer;
}

const connectWords = (): string => `CONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\n\r\n`;

/** Sends the rest of the header and a CONNECT; resolves with the answer's first line. */
async function sendPlain(client: Client, rest: string): Promise<string> {
  client.socket.write(rest + connectWords());
  return (await client.hears('\r\n')).toString();
}

async function sendSecured({ socket }: Client, rest: string): Promise<string> {
  socket.write(rest);
  socket.removeAllListeners('data').removeAllListeners('end');
  const secured = connectTls({ socket, rejectUnauthorized: false });
  secured.write(connectWords());
  const [bytes] = (await once(secured, 'data')) as [Buffer];
  return bytes.toString();
}

describe.each(kinds)('a PROXY header that is under way at $kind', ({ door, send }) => {
  it.each(['', HEADER.slice(0, 6), HEADER.slice(0, -1)])(
    'is awaited in a drain, and its client told 503, where %j had come',
    async (beginning) => {
      await start({ door });
      const balancer = await openBalancer(beginning);
      proxy.process.kill('SIGTERM');
      await proxy.line({ msg: 'draining', tunnels: 1 });
      expect(await send(balancer, HEADER.slice(beginning.length))).toMatch(/^HTTP\/1\.1 503 /);
      expect(await proxy.tunnel({ reason: 'overload' })).toMatchObject({ client: '192.0.2.7', client_port: 7007 });
      balancer.socket.destroy();
      await proxy.line({ msg: 'drained', exit: 0 });
    },
  );

  it.each(['', HEADER.slice(0, 6)])(
    'is cut by the end of the drain, with that reason, where %j had come',
    async (beginning) => {
      await start({ door, more: 'timeouts: { drain: 200ms }' });
      const balancer = await openBalancer(beginning);
      const port = balancer.socket.localPort;
      proxy.process.kill('SIGTERM');
      expect((await balancer.ended()).bytes).toHaveLength(0);
      expect(await proxy.tunnel({ client_port: port })).toMatchObject({
        client: '127.0.0.1',
        reason: 'drain',
        outcome: 'refused',
        detail: 'Sallyport ended before the tunnel was up.',
      });
      balancer.socket.destroy();
      await proxy.line({ msg: 'drained', exit: 0 });
    },
  );

  it('is awaited by a process that a successor follows, and its client served', async () => {
    await start({ door });
    const balancer = await openBalancer(HEADER.slice(0, 6));
    proxy.process.kill('SIGUSR1');
    const { pid } = await proxy.line({ msg: 'successor serves' });
    await proxy.line({ msg: 'draining', tunnels: 1 });
    expect(await send(balancer, HEADER.slice(6))).toMatch(/^HTTP\/1\.1 200 /);
    balancer.socket.destroy();
    expect(await proxy.tunnel({ client: '192.0.2.7' })).toMatchObject({ outcome: 'ok' });
    process.kill(Number(pid), 'SIGTERM');
    await proxy.line({ msg: 'drained', exit: 0 });
  });

  it('is read, and its client served, where a reload has removed the listener meanwhile', async () => {
    await start({ door });
    const balancer = await openBalancer(HEADER.slice(0, 6));
    const without = textOf({ door }).replace('name: explicit', 'name: other');
    expect(await proxy.reload(without)).toMatchObject({ msg: 'reloaded' });
    expect(await send(balancer, HEADER.slice(6))).toMatch(/^HTTP\/1\.1 200 /);
    balancer.socket.destroy();
    expect(await proxy.tunnel({ client: '192.0.2.7' })).toMatchObject({ listener: 'explicit', outcome: 'ok' });
  });

  it('is read by the door that took the connection, whatever a reload makes of that door', async () => {
    await start({ door });
    const balancer = await openBalancer(HEADER.slice(0, 6));
    const other = textOf({ door: door.includes(SECURED) ? [] : [SECURED] });
    expect(await proxy.reload(other)).toMatchObject({ msg: 'reloaded' });
    expect(await send(balancer, HEADER.slice(6))).toMatch(/^HTTP\/1\.1 200 /);
    balancer.socket.destroy();
    expect(await proxy.tunnel({ client: '192.0.2.7' })).toMatchObject({ outcome: 'ok' });
  });

  it('is part of what a recheck awaits: its tunnel is decided by the earlier rules', async () => {
    const runtime = 'reload_tunnels: recheck';
    await start({ door, runtime });
    const balancer = await openBalancer(HEADER.slice(0, 6));
    const rules = '{ name: no, action: deny, ports: ["1-65535"] }';
    expect(await proxy.reload(textOf({ door, runtime, rules }))).toMatchObject({ msg: 'reloaded' });
    expect(await send(balancer, HEADER.slice(6))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await proxy.tunnel({ client: '192.0.2.7' })).toMatchObject({ outcome: 'ok', reason: 'policy' });
    balancer.socket.destroy();
  });
});
