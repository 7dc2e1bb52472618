/** The timeouts and limits that a listener has of its own, at both doors: each has an effect there, and none at its neighbours. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testedRuntime } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { type Client, openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

type Mode = 'connect' | 'sni';

const MODES: readonly Mode[] = ['connect', 'sni'];
/** Plain HTTP is served by listeners of either mode. */
const KINDS = [...MODES, 'plain'] as const;
type Kind = (typeof KINDS)[number];

/** A listener for each, of each kind, with that key alone. */
const overrides = {
  none: '',
  handshake: 'timeouts: { handshake: 300ms }',
  idle: 'timeouts: { idle: 200ms }',
  half_close: 'timeouts: { half_close: 200ms }',
  lifetime: 'timeouts: { lifetime: 200ms }',
  keepalive: 'timeouts: { keepalive: 2s }',
  tunnels: 'limits: { tunnels: 1 }',
  tunnels_per_client: 'limits: { tunnels_per_client: 1 }',
  new_per_client: 'limits: { new_per_client: "1/s" }',
  handshake_bytes: 'limits: { handshake_bytes: 512B }',
} as const;
type Key = keyof typeof overrides;

const INTERIM = 'HTTP/1.1 102 Processing\r\n';

/** The beginning of a ClientHello of 2,000 bytes. */
const LONG_HELLO = Buffer.concat([Buffer.of(22, 3, 1, 7, 0xd0, 1, 0, 7, 0xcc), Buffer.alloc(600)]);

let proxy: Running;
/** Echoes, and keeps its side open. */
let origin: Origin;

const nameOf = (kind: Kind, key: Key): string => `${kind}-${key}`;
const portOf = (kind: Kind, key: Key): number => proxy.port(nameOf(kind, key));

beforeAll(async () => {
  origin = await tcpOrigin((socket) => socket.on('data', (chunk) => socket.write(chunk)));
  const kinds = {
    connect: 'mode: connect',
    sni: `mode: sni, port: ${origin.port}`,
    plain: 'mode: connect, http: forward',
  };
  const listeners = KINDS.flatMap((kind) =>
    Object.entries(overrides).map(([key, override]) => {
      const more = override === '' ? '' : `, ${override}`;
      return `  - { name: ${kind}-${key}, bind: "127.0.0.1:0", ${kinds[kind]}${more} }\n`;
    }),
  );
  proxy = await startSallyport(`listeners:
${listeners.join('')}admin: { bind: "127.0.0.1:0" }
dns: { hosts: { origin.test: [127.0.0.1] } }
policy: { rules: [{ name: all, action: allow }], destinations: { allow: [loopback] } }
timeouts: { drain: 200ms }
runtime: ${testedRuntime()}
`);
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

describe.each(MODES)('a listener of its own, in mode %s,', (mode) => {
  const opens = async (key: Key): Promise<Client> => {
    if (mode === 'connect') return openTunnel(portOf(mode, key), `127.0.0.1:${origin.port}`);
    const client = await openClient(portOf(mode, key));
    client.socket.write(helloFor('origin.test'));
    await client.hears(helloFor('origin.test').length);
    return client;
  };

  const endsWith = async (key: Key, reason: string): Promise<void> => {
    expect(await proxy.tunnel({ listener: nameOf(mode, key), reason })).toMatchObject({ mode });
  };

  it('has its timeouts.handshake', async () => {
    const client = await openClient(portOf(mode, 'handshake'));
    client.socket.write(mode === 'connect' ? 'CONNECT ' : helloFor('origin.test').subarray(0, 20));
    await client.ended();
    client.socket.destroy();
    await endsWith('handshake', 'handshake_timeout');
  });

  it.each(['idle', 'lifetime'] as const)('has its timeouts: %s', async (key) => {
    const client = await opens(key);
    await client.ended();
    client.socket.destroy();
    await endsWith(key, key);
  });

  it('has its timeouts.half_close', async () => {
    const client = await opens('half_close');
    client.socket.end();
    await client.ended();
    client.socket.destroy();
    await endsWith('half_close', 'half_close');
  });

  it('has its timeouts.keepalive', async () => {
    const clients = [await opens('none'), await opens('keepalive')];
    await expect.poll(() => keepAliveOf(portOf(mode, 'keepalive'))).toBeLessThanOrEqual(2_000);
    expect(keepAliveOf(portOf(mode, 'none'))).toBeGreaterThan(2_000);
    for (const { socket } of clients) socket.destroy();
  });

  it.each([
    ['tunnels', 'overload'],
    ['tunnels_per_client', 'client_limit'],
    ['new_per_client', 'client_limit'],
  ] as const)('has its limits: %s', async (key, reason) => {
    const first = await opens(key);
    const second = await openClient(portOf(mode, key));
    second.socket.write(mode === 'connect' ? 'CONNECT origin.test:443 HTTP/1.1\r\n\r\n' : helloFor('origin.test'));
    await second.ended();
    for (const { socket } of [first, second]) socket.destroy();
    await endsWith(key, reason);
  });

  it('has its limits.handshake_bytes', async () => {
    const client = await openClient(portOf(mode, 'handshake_bytes'));
    const long = `CONNECT origin.test:443 HTTP/1.1\r\nX: ${'x'.repeat(600)}`;
    client.socket.write(mode === 'connect' ? long : LONG_HELLO);
    await client.ended();
    client.socket.destroy();
    await endsWith('handshake_bytes', 'too_large');
  });
});

describe('a listener of its own, for plain HTTP,', () => {
  /** To an origin that gives an interim response, and never a final one. */
  const asks = async (key: Key, head = 'GET / HTTP/1.1'): Promise<Client> => {
    const client = await openClient(portOf('plain', key));
    client.socket.write(head.replace(' /', ` http://127.0.0.1:${silent.port}/`).concat('\r\nHost: a\r\n\r\n'));
    return client;
  };
  let silent: Origin;
  beforeAll(
    async () => void (silent = await tcpOrigin((socket) => socket.once('data', () => socket.write(`${INTERIM}\r\n`)))),
  );
  afterAll(() => silent.close());

  it('has its timeouts.handshake', async () => {
    const client = await openClient(portOf('plain', 'handshake'));
    client.socket.write('GET ');
    expect((await client.ended()).bytes.toString()).toMatch(/^HTTP\/1\.1 408 /);
    await proxy.tunnel({ listener: 'plain-handshake', reason: 'handshake_timeout' });
    client.socket.destroy();
  });

  it.each(['idle', 'lifetime'] as const)('has its timeouts: %s', async (key) => {
    const client = await asks(key);
    await client.ended();
    await proxy.tunnel({ listener: nameOf('plain', key), reason: key });
    client.socket.destroy();
  });

  it.each([
    ['tunnels', 'overload'],
    ['tunnels_per_client', 'client_limit'],
    ['new_per_client', 'client_limit'],
  ] as const)('has its limits: %s', async (key, reason) => {
    const first = await asks(key);
    await first.hears(INTERIM);
    const second = await asks(key);
    await second.ended();
    await proxy.tunnel({ listener: nameOf('plain', key), reason });
    for (const { socket } of [first, second]) socket.destroy();
  });

  it('has its limits.handshake_bytes', async () => {
    const client = await asks('handshake_bytes', `GET / HTTP/1.1\r\nX: ${'x'.repeat(600)}`);
    expect((await client.ended()).bytes.toString()).toMatch(/^HTTP\/1\.1 431 /);
    client.socket.destroy();
  });
});

/** In how many milliseconds the kernel asks the one client of a door whether it is still there (proc(5), /proc/net/tcp: timer 2). */
function keepAliveOf(door: number): number {
  const local = `0100007F:${door.toString(16).toUpperCase().padStart(4, '0')}`;
  const ESTABLISHED = '01';
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, at, , state]) => at === local && state === ESTABLISHED);
  const [kind, ticks = '0'] = line?.[5]?.split(':') ?? [];
  return kind === '02' ? parseInt(ticks, 16) * 10 : Infinity;
}
