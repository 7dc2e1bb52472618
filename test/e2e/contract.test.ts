/** The table of refusals as an outsider would test it: each row asked of the real program over raw sockets, at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startNameServer } from '../../packages/resolver/test/fake-name-server.ts';
import { testedRuntime } from './harness/config-text.ts';
import { clientHello, helloFor, serverName } from './harness/hello.ts';
import { type Client, echoOrigin, openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { CLOSED_PORT } from './harness/ports.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';
import { suspend } from './harness/suspend.ts';

let proxy: Running;
let echo: Origin;
let resetting: Origin;
let closing: Origin;
let mute: Origin;
let deaf: Deaf;
let silentNames: Awaited<ReturnType<typeof startNameServer>>;
/** Holds the one place of each crowded door. */
const holders: Client[] = [];

beforeAll(async () => {
  echo = await echoOrigin();
  resetting = await tcpOrigin((socket) => socket.once('data', () => socket.resetAndDestroy()));
  closing = await tcpOrigin((socket) => socket.resume().once('data', () => socket.end()));
  mute = await tcpOrigin((socket) => socket.resume());
  deaf = await startDeafListener();
  silentNames = await startNameServer(({ name }) => (name === 'silent.test' ? undefined : { rcode: 'NXDOMAIN' }));
  const users = `alice:${hashSync('secret', 4)}\n`;
  proxy = await startSallyport(configuration(), { files: { 'users.htpasswd': users } });
  for (const door of ['crowded', 'crowded-sni', 'full', 'full-sni']) holders.push(await openClient(proxy.port(door)));
  await vi.waitFor(
    async () => {
      const begun = [...(await scrape()).matchAll(/^sallyport_handshakes_active\S+ 1$/gm)];
      expect(begun).toHaveLength(holders.length);
    },
    { timeout: 30_000, interval: 100 },
  );
});

afterAll(async () => {
  for (const { socket } of holders) socket.destroy();
  expect(await proxy.stop()).toBe(0);
  expect(proxy.stderr()).toBe('');
  echo.close();
  for (const origin of [resetting, closing, mute]) origin.close();
  deaf.stop();
  await silentNames.stop();
});

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${proxy.port('admin')}/metrics`)).text();
}

function configuration(): string {
  const doors = [
    'name: explicit, mode: connect',
    'name: keen, mode: connect, timeouts: { handshake: 300ms }, limits: { handshake_bytes: 1KiB }',
    'name: keen-sni, mode: sni, timeouts: { handshake: 300ms }, limits: { handshake_bytes: 1KiB }',
    'name: guarded, mode: connect, auth: { users_file: users.htpasswd, realm: "the realm" }',
    'name: crowded, mode: connect, limits: { tunnels_per_client: 1 }',
    'name: crowded-sni, mode: sni, limits: { tunnels_per_client: 1 }',
    'name: full, mode: connect, limits: { tunnels: 1 }',
    'name: full-sni, mode: sni, limits: { tunnels: 1 }',
    'name: fast, mode: connect, limits: { new_per_client: "1/s" }',
    'name: fast-sni, mode: sni, limits: { new_per_client: "1/s" }',
    'name: transparent, mode: sni',
    'name: ech-less, mode: sni, ech: deny',
    `name: to-closed, mode: sni, port: ${CLOSED_PORT}`,
    `name: to-deaf, mode: sni, port: ${deaf.port}, timeouts: { connect: 300ms }`,
    `name: to-deaf-explicit, mode: connect, timeouts: { connect: 300ms }`,
    `name: to-echo, mode: sni, port: ${echo.port}`,
    'name: hasty, mode: connect, timeouts: { idle: 200ms }',
    'name: strict, mode: connect, timeouts: { half_close: 200ms }',
    'name: enforcing, mode: connect, verify_sni: enforce',
    'name: short, mode: connect, timeouts: { lifetime: 200ms }',
  ];
  const hosts = {
    'origin.test': ['127.0.0.1'],
    'private.test': ['10.1.2.3', '::1'],
    'forbidden.test': ['127.0.0.1'],
    'unroutable.test': ['127.255.255.255'],
  };
  return `listeners:
${doors.map((door) => `  - { ${door}, bind: "127.0.0.1:0" }`).join('\n')}
admin: { bind: "127.0.0.1:0" }
log: { level: debug }
timeouts: { handshake: 1m }
runtime: ${testedRuntime()}
dns:
  servers: ["127.0.0.1:${silentNames.address.port}"]
  timeout: 300ms
  hosts: ${JSON.stringify(hosts)}
policy:
  rules:
    - { name: no, action: deny, hosts: [forbidden.test] }
    - { name: alice, action: allow, clients: [loopback], users: [alice], listeners: [guarded] }
    - { name: no-one, action: deny, listeners: [guarded] }
    - { name: yes, action: allow, clients: [loopback] }
  destinations: { allow: [127.0.0.0/8] }
`;
}

/** What a client says, and what the contract says of it. `level` and `outcome` stand for the log; `label` for `refused_total`. */
interface Row {
  readonly door: string;
  readonly what: string;
  readonly says: () => string | Buffer;
  readonly reason: string;
  readonly outcome?: 'ok' | 'refused' | 'failed';
  readonly level?: string;
  readonly line?: LogLine;
}

interface ExplicitRow extends Row {
  readonly status: number;
  readonly error: string;
  readonly field?: RegExp;
}

const connectTo = (authority: string, ...fields: readonly string[]): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const basic = (credentials: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}`;
const allowConnect = /\r\nAllow: CONNECT\r\n/;
const challenge = /\r\nProxy-Authenticate: Basic realm="the realm"/;
const retryAfter = /\r\nRetry-After: [1-9]\d*\r\n/;
const [request, denied, warn] = ['http_request_error', 'http_request_denied', 'warn'] as const;
const failed = 'failed';

// prettier-ignore
const explicitRows: readonly ExplicitRow[] = [
  { door: 'explicit', what: 'a head without a port', says: () => connectTo('a.test'), reason: 'malformed', status: 400, error: request },
  { door: 'keen', what: 'a head too large', says: () => connectTo('a.test:1', `X: ${'x'.repeat(2000)}`), reason: 'too_large', status: 431, error: request },
  { door: 'keen', what: 'half a head', says: () => 'CONNECT a.test:443 HT', reason: 'handshake_timeout', status: 408, error: request },
  { door: 'explicit', what: 'GET', says: () => 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', reason: 'method', status: 405, error: request, field: allowConnect },
  { door: 'guarded', what: 'no credentials', says: () => connectTo('origin.test:1'), reason: 'auth', status: 407, error: denied, field: challenge },
  { door: 'guarded', what: 'a wrong password', says: () => connectTo('origin.test:1', basic('alice:wrong')), reason: 'auth', status: 407, error: denied, field: challenge, line: { user: 'alice' } },
  { door: 'guarded', what: 'an unknown user', says: () => connectTo('origin.test:1', basic('mallory:secret')), reason: 'auth', status: 407, error: denied, field: challenge },
  { door: 'explicit', what: 'a denied name', says: () => connectTo('forbidden.test:443'), reason: 'policy', status: 403, error: denied, level: warn, line: { rule: 'no', decision: 'deny' } },
  { door: 'guarded', what: 'a name denied to who may come', says: () => connectTo('forbidden.test:443', basic('alice:secret')), reason: 'policy', status: 403, error: denied, level: warn, line: { rule: 'no', decision: 'deny', user: 'alice' } },
  { door: 'explicit', what: 'a name of private addresses', says: () => connectTo('private.test:443'), reason: 'address', status: 403, error: 'destination_ip_prohibited', level: warn, line: { rule: 'yes', decision: 'deny' } },
  { door: 'explicit', what: 'a private address', says: () => connectTo('[::ffff:10.0.0.1]:443'), reason: 'address', status: 403, error: 'destination_ip_prohibited', level: warn, line: { rule: 'yes', decision: 'deny', host: '10.0.0.1' } },
  { door: 'explicit', what: 'NAT64 of a loopback address', says: () => connectTo('[64:ff9b::a00:1]:443'), reason: 'address', status: 403, error: 'destination_ip_prohibited', level: warn },
  { door: 'explicit', what: 'our own address', says: () => connectTo(`127.0.0.1:${proxy.port('transparent')}`), reason: 'loop', status: 502, error: 'proxy_loop_detected', level: warn, line: { decision: 'deny' } },
  { door: 'explicit', what: 'the admin address, by name', says: () => connectTo(`origin.test:${proxy.port('admin')}`), reason: 'loop', status: 502, error: 'proxy_loop_detected', level: warn, line: { decision: 'deny' } },
  { door: 'crowded', what: 'one too many of a client', says: () => connectTo('a.test'), reason: 'client_limit', status: 429, error: denied, field: retryAfter, level: warn },
  { door: 'full', what: 'one too many', says: () => connectTo('a.test'), reason: 'overload', status: 503, error: 'connection_limit_reached', level: warn },
  { door: 'explicit', what: 'a name that is none', says: () => connectTo('nowhere.example.net:443'), reason: 'dns', outcome: failed, status: 502, error: 'dns_error' },
  { door: 'explicit', what: 'a silent name server', says: () => connectTo('silent.test:443'), reason: 'dns_timeout', outcome: failed, status: 504, error: 'dns_timeout', level: warn },
  { door: 'explicit', what: 'a closed port', says: () => connectTo(`origin.test:${CLOSED_PORT}`), reason: 'refused', outcome: failed, status: 502, error: 'connection_refused' },
  { door: 'explicit', what: 'an address without a route', says: () => connectTo('unroutable.test:443'), reason: 'unreachable', outcome: failed, status: 502, error: 'destination_ip_unroutable', level: warn },
  { door: 'to-deaf-explicit', what: 'an address that does not answer', says: () => connectTo(`127.0.0.1:${deaf.port}`), reason: 'connect_timeout', outcome: failed, status: 504, error: 'connection_timeout', level: warn },
];

const ech = clientHello(new Map([[0, serverName('origin.test')], [0xfe0d, Buffer.alloc(8)]])); // prettier-ignore
const twoNames = Buffer.concat([serverName('origin.test').subarray(2), serverName('origin.test').subarray(2)]);
const namedTwice = clientHello(new Map([[0, Buffer.concat([Buffer.of(0, twoNames.length), twoNames])]]));
const nameless = clientHello(new Map());
const sslv2 = Buffer.from('802e' + '010002' + '0015' + '0000' + '0010' + '00'.repeat(0x25), 'hex');
const emptyRecord = Buffer.of(22, 3, 1, 0, 0);

// prettier-ignore
const ORDER: readonly (Pick<Row, 'door' | 'what' | 'says'> & { readonly status: number })[] = [
  { what: 'limits before form', door: 'crowded', says: () => 'CONNECT\0', status: 429 },
  { what: 'form before method', door: 'guarded', says: () => 'GET http://a.test/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', status: 400 },
  { what: 'form before credentials', door: 'guarded', says: () => connectTo('a.test:0', basic('alice:wrong')), status: 400 },
  { what: 'method before credentials', door: 'guarded', says: () => 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', status: 405 },
  { what: 'credentials before policy', door: 'guarded', says: () => connectTo('forbidden.test:443', basic('alice:wrong')), status: 407 },
  { what: 'credentials before addresses', door: 'guarded', says: () => connectTo('10.0.0.1:443'), status: 407 },
];

interface TlsRow extends Row {
  /** Undefined: closed without a word. */
  readonly alert: number | undefined;
}

// prettier-ignore
const tlsRows: readonly TlsRow[] = [
  { door: 'transparent', what: 'an empty name', says: () => helloFor(''), reason: 'malformed', alert: 50 },
  { door: 'transparent', what: 'a name with a space', says: () => helloFor('a b.test'), reason: 'malformed', alert: 50 },
  { door: 'transparent', what: 'a legacy spelling of an address', says: () => helloFor('127.1'), reason: 'malformed', alert: 50 },
  { door: 'transparent', what: 'two names', says: () => namedTwice, reason: 'malformed', alert: 50 },
  { door: 'transparent', what: 'two server_name extensions', says: helloWithTwoExtensions, reason: 'malformed', alert: 50 },
  { door: 'transparent', what: 'an empty record', says: () => emptyRecord, reason: 'malformed', alert: 50 },
  { door: 'keen-sni', what: 'a hello too large', says: () => clientHello(new Map([[21, Buffer.alloc(2000)]])), reason: 'too_large', alert: 50 },
  { door: 'keen-sni', what: 'half a hello', says: () => helloFor('a.test').subarray(0, 9), reason: 'handshake_timeout', alert: undefined },
  { door: 'transparent', what: 'a denied name', says: () => helloFor('FORBIDDEN.test.'), reason: 'policy', alert: 49, level: warn, line: { host: 'forbidden.test', sni: 'forbidden.test', rule: 'no', decision: 'deny', port: 443 } },
  { door: 'transparent', what: 'a name of private addresses', says: () => helloFor('private.test'), reason: 'address', alert: 49, level: warn, line: { decision: 'deny' } },
  { door: 'crowded-sni', what: 'one too many of a client', says: () => helloFor('a.test'), reason: 'client_limit', alert: 80, level: warn },
  { door: 'full-sni', what: 'one too many', says: () => helloFor('a.test'), reason: 'overload', alert: 80, level: warn },
  { door: 'transparent', what: 'a name that is none', says: () => helloFor('nowhere.example.net'), reason: 'dns', outcome: failed, alert: 112 },
  { door: 'transparent', what: 'a silent name server', says: () => helloFor('silent.test'), reason: 'dns_timeout', outcome: failed, alert: 80, level: warn },
  { door: 'to-closed', what: 'a closed port', says: () => helloFor('origin.test'), reason: 'refused', outcome: failed, alert: 80 },
  { door: 'transparent', what: 'an address without a route', says: () => helloFor('unroutable.test'), reason: 'unreachable', outcome: failed, alert: 80, level: warn },
  { door: 'to-deaf', what: 'an address that does not answer', says: () => helloFor('origin.test'), reason: 'connect_timeout', outcome: failed, alert: 80, level: warn },
  { door: 'transparent', what: 'no name', says: () => nameless, reason: 'no_sni', alert: 109 },
  { door: 'transparent', what: 'an IP literal for a name', says: () => helloFor('127.0.0.1'), reason: 'no_sni', alert: 109 },
  { door: 'transparent', what: 'SSL 2.0', says: () => sslv2, reason: 'no_sni', alert: 109, line: { tls: 'SSLv2' } },
  { door: 'ech-less', what: 'an encrypted hello', says: () => ech, reason: 'ech', alert: 49, level: warn, line: { ech: true, sni: 'origin.test' } },
  { door: 'transparent', what: 'neither TLS nor HTTP', says: () => 'SSH-2.0-OpenSSH_9.9\r\n', reason: 'not_tls', alert: undefined },
  { door: 'transparent', what: 'SOCKS 5', says: () => Buffer.of(5, 1, 0), reason: 'not_tls', alert: undefined },
  { door: 'transparent', what: 'SOCKS 4', says: () => Buffer.of(4, 1, 0, 80, 1, 1, 1, 1, 0), reason: 'not_tls', alert: undefined },
  { door: 'explicit', what: 'TLS', says: () => helloFor('origin.test'), reason: 'misdirected', alert: 10 },
  { door: 'explicit', what: 'SSL 2.0', says: () => sslv2, reason: 'misdirected', alert: 10 },
  { door: 'keen', what: 'half a hello', says: () => helloFor('a.test').subarray(0, 9), reason: 'misdirected', alert: 10 },
];

interface Visit {
  readonly answer: Buffer;
  readonly wasReset: boolean;
  readonly line: LogLine;
}

/** Says it, waits for the end, and finds the line by the client's port. */
async function visit({ door, says }: Pick<Row, 'door' | 'says'>): Promise<Visit> {
  const before = proxy.lines.length;
  const client = await openClient(proxy.port(door));
  const { localPort } = client.socket;
  const bytes = says();
  client.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  const { bytes: answer, wasReset } = await client.ended();
  client.socket.destroy();
  return { answer, wasReset, line: await lineOf(door, localPort, before) };
}

/** A port is soon another client's: hence the door, and where in the log to begin. */
function lineOf(listener: string, clientPort: number | undefined, from: number): Promise<LogLine> {
  return proxy.line({ msg: 'tunnel', client_port: clientPort, listener }, from);
}

function expectLine(line: LogLine, row: Omit<Row, 'what' | 'says'>): void {
  const { door: listener, reason, outcome = 'refused', level = 'info' } = row;
  expect(line).toMatchObject({ listener, reason, outcome, level, client: '127.0.0.1', ...row.line });
  expect(Object.keys(line).filter((field) => !LOG_FIELDS.has(field))).toEqual([]);
}

/** What a line of the access log may hold. */
const LOG_FIELDS = new Set([
  ...['level', 'time', 'msg', 'id', 'listener', 'mode', 'client', 'client_port', 'user', 'host', 'port'],
  ...['sni', 'alpn', 'alpn_more', 'tls', 'ech', 'original', 'rule', 'decision', 'would_deny', 'egress', 'upstream'],
  ...['bytes_up', 'bytes_down', 'resolve_ms', 'connect_ms', 'first_byte_ms', 'duration_ms', 'status'],
  ...['outcome', 'reason', 'stage', 'detail', 'seq'],
]);

describe('the explicit door', () => {
  it.concurrent.each(explicitRows)('answers $status $error to $what at $door', async (row) => {
    const { answer, wasReset, line } = await visit(row);
    const text = answer.toString('latin1');
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${row.status} [A-Z][A-Za-z ]+ \\([ -~]+\\)\\r\\n`));
    expect(text.indexOf('\r\n')).toBeLessThanOrEqual(200);
    expect(text).toMatch(new RegExp(`\\r\\nProxy-Status: sallyport; error=${row.error}[;\\r]`));
    expect(text).toMatch(/\r\nContent-Type: text\/plain/);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
    expect(text).toMatch(row.field ?? /^/);
    expect(text.split('\r\n\r\n')[1]).toContain(String(line['id']));
    expect(wasReset).toBe(false);
    expectLine(line, { ...row, line: { status: row.status, mode: 'connect', ...row.line } });
  });

  it.concurrent.each(explicitRows.filter(({ door }) => door !== 'fast' && door !== 'crowded' && door !== 'full'))(
    'reads nothing behind $what',
    async (row) => {
      const says = (): Buffer =>
        Buffer.concat([Buffer.from(row.says()), Buffer.from(connectTo(`127.0.0.1:${echo.port}`))]);
      if (row.reason === 'handshake_timeout') return;
      const { answer } = await visit({ door: row.door, says });
      expect(answer.toString().match(/HTTP\/1\.1/g)).toHaveLength(1);
    },
  );
});

describe('the order of the checks', () => {
  it.concurrent.each(ORDER)('is $what', async ({ door, says, status }) => {
    const { answer } = await visit({ door, says });
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('limits.new_per_client', () => {
  it.concurrent.each([
    { door: 'fast', answer: /^HTTP\/1\.1 429 [^]*\r\nRetry-After: 1\r\n/ },
    // eslint-disable-next-line no-control-regex -- an alert record
    { door: 'fast-sni', answer: /^\x15\x03\x03\0\x02\x02P$/ },
  ])('turns away who comes too often at $door', async ({ door, answer }) => {
    const visits = Array.from({ length: 8 }, () => visit({ door, says: () => 'x\0' }));
    const refused = (await Promise.all(visits)).filter(({ line }) => line['reason'] === 'client_limit');
    expect(refused.length).toBeGreaterThan(0);
    for (const { answer: bytes, line } of refused) {
      expect(bytes.toString('latin1')).toMatch(answer);
      expect(line).toMatchObject({ outcome: 'refused', level: 'warn' });
    }
  });
});

describe('in TLS', () => {
  it.concurrent.each(tlsRows)('$what at $door gets the alert $alert', async (row) => {
    const { answer, wasReset, line } = await visit(row);
    expect([...answer]).toEqual(row.alert === undefined ? [] : [21, 3, 3, 0, 2, 2, row.alert]);
    expect(wasReset).toBe(false);
    expect(line).not.toHaveProperty('status');
    expectLine(line, row);
  });

  it('another name than CONNECT had gets access_denied inside the tunnel', async () => {
    const before = proxy.lines.length;
    const client = await openTunnel(proxy.port('enforcing'), `origin.test:${echo.port}`);
    const { localPort } = client.socket;
    client.socket.write(helloFor('other.test'));
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect([...bytes.subarray(-7)]).toEqual([21, 3, 3, 0, 2, 2, 49]);
    const line = { sni: 'other.test', status: 200, decision: 'allow', bytes_up: 0 };
    expectLine(await lineOf('enforcing', localPort, before), {
      door: 'enforcing',
      reason: 'sni_mismatch',
      level: warn,
      line,
    });
  });
});

function helloWithTwoExtensions(): Buffer {
  // Padding of the same size becomes a second server_name.
  const name = serverName('origin.test');
  const hello = Buffer.from(clientHello(new Map([[0, name], [21, name]]))); // prettier-ignore
  hello.writeUInt16BE(0, hello.length - name.length - 4);
  return hello;
}

describe('a tunnel', () => {
  const relayed = ['bytes_up', 'bytes_down', 'connect_ms', 'duration_ms'];
  const always = [
    'level',
    'time',
    'seq',
    'msg',
    'id',
    'listener',
    'mode',
    'client',
    'client_port',
    'outcome',
    'reason',
  ];
  const decided = ['host', 'port', 'rule', 'decision', 'egress', 'upstream'];

  const ends: readonly TunnelRow[] = [
    { reason: 'client_closed', act: (client) => client.socket.end() },
    { reason: 'client_reset', act: (client) => client.socket.resetAndDestroy(), isCut: true },
    { reason: 'upstream_closed', origin: () => closing.port, act: (client) => client.socket.write('x') },
    { reason: 'upstream_reset', origin: () => resetting.port, act: (client) => client.socket.write('x'), isCut: true },
    { reason: 'idle', door: 'hasty' },
    { reason: 'half_close', door: 'strict', origin: () => mute.port, act: (client) => client.socket.end() },
    { reason: 'lifetime', door: 'short' },
  ];

  it.concurrent.each(ends)(
    'ends with the reason $reason',
    async ({ reason, door = 'explicit', origin, act, isCut }) => {
      const before = proxy.lines.length;
      const client = await openTunnel(proxy.port(door), `origin.test:${(origin ?? (() => echo.port))()}`);
      const { localPort } = client.socket;
      expect(client.heard().toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
      act?.(client);
      if (reason !== 'client_reset') expect((await client.ended()).wasReset).toBe(isCut ?? false);
      client.socket.destroy();
      const line = await lineOf(door, localPort, before);
      expect(line).toMatchObject({
        reason,
        outcome: 'ok',
        level: 'info',
        status: 200,
        mode: 'connect',
        egress: 'direct',
      });
      const fields = [...always, ...decided, ...relayed, 'resolve_ms', 'status'];
      expect(
        Object.keys(line)
          .filter((field) => field !== 'first_byte_ms')
          .sort(),
      ).toEqual(fields.sort());
    },
  );

  it('of the transparent door is told with what its hello said, and counts it', async () => {
    const hello = clientHello(new Map([[0, serverName('Origin.test')], [16, Buffer.from('000302683' + '2', 'hex')], [43, Buffer.of(2, 3, 4)]])); // prettier-ignore
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('to-echo'));
    const { localPort } = client.socket;
    client.socket.write(hello);
    expect(await client.hears(hello.length)).toEqual(hello);
    client.socket.end();
    await client.ended();
    const line = await lineOf('to-echo', localPort, before);
    const { length } = hello;
    expect(line).toMatchObject({
      sni: 'origin.test',
      host: 'origin.test',
      port: echo.port,
      tls: 'TLSv1.3',
      ech: false,
    });
    expect(line).toMatchObject({ alpn: ['h2'], bytes_up: length, bytes_down: length, mode: 'sni', rule: 'yes' });
    const fields = [...always, ...decided, ...relayed, 'resolve_ms', 'first_byte_ms', 'sni', 'alpn', 'tls', 'ech'];
    expect(Object.keys(line).sort()).toEqual(fields.sort());
  });
});

interface TunnelRow {
  readonly reason: string;
  readonly door?: string;
  readonly origin?: () => number;
  readonly act?: (client: Client) => unknown;
  readonly isCut?: boolean;
}

describe('the metrics', () => {
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${proxy.port('admin')}/metrics`)).text();

  /** The labels of each, as the contract spells them. */
  const LABELS: Readonly<Record<string, readonly string[]>> = {
    tunnels_total: ['listener', 'outcome', 'reason'],
    tunnels_active: ['listener'],
    bytes_total: ['listener', 'direction'],
    handshakes_active: ['listener'],
    refused_total: ['listener', 'reason'],
    policy_decisions_total: ['rule', 'decision'],
    resolve_seconds: ['listener'],
    connect_seconds: ['listener'],
    first_byte_seconds: ['listener'],
    tunnel_seconds: ['listener'],
    dns_cache_total: ['result'],
    repeated_tunnels_total: ['listener'],
    dial_attempts_total: ['family', 'result'],
    client_hellos_total: ['listener', 'version', 'ech'],
    sni_checks_total: ['listener', 'result'],
    egress_up: ['egress'],
    egress_attempts_total: ['egress', 'result'],
    config_reloads_total: ['result'],
    config_last_reload_successful: [],
    config_last_reload_success_timestamp_seconds: [],
    log_lines_dropped_total: [],
    draining: [],
    build_info: ['version', 'node', 'engine'],
  };
  const VALUES: Readonly<Record<string, RegExp>> = {
    outcome: /^(?:ok|refused|failed)$/,
    direction: /^(?:up|down)$/,
    decision: /^(?:allow|deny|report)$/,
    family: /^ipv[46]$/,
    rule: /^(?:no|no-one|yes|alice|default)$/,
    version: /^(?:SSLv[23]|TLSv1\.[0-3]|\d+\.\d+\.\d+.*)$/,
    ech: /^(?:true|false)$/,
    egress: /^direct$/,
    result:
      /^(?:hit|miss|negative|ok|refused|unreachable|timeout|error|success|failure|down|silent|failed|match|mismatch|absent|not_tls)$/,
    reason: /^[a-z_]+$/,
    listener: /^[a-z-]+$/,
    engine: /^(?:native|portable)$/,
    binary: /^(?:built|none|linux-[a-z0-9]+-(?:glibc|musl))$/,
    node: /^v\d/,
  };

  it('have these names and labels, and no value that a stranger chose', async () => {
    const text = await scrape();
    const seen = new Map<string, string[]>();
    for (const [, name = '', , labels = ''] of text.matchAll(
      /^sallyport_(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? /gm,
    )) {
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== 'le');
      for (const [, label = '', value = ''] of pairs) expect(value).toMatch(VALUES[label] ?? /^$/);
      seen.set(
        name,
        pairs.map(([, label = '']) => label),
      );
    }
    for (const [name, labels] of Object.entries(LABELS)) {
      expect([name, seen.get(name)?.sort()]).toEqual([name, [...labels].sort()]);
    }
  });

  it('count each end once, under its listener and its reason', async () => {
    const counted = new Map<string, number>();
    for (const { msg, listener, reason, outcome } of proxy.lines) {
      if (msg !== 'tunnel') continue;
      const [door, end, why] = [
        `listener="${String(listener)}"`,
        `outcome="${String(outcome)}"`,
        `reason="${String(reason)}"`,
      ];
      const series = [`tunnels_total{${door},${end},${why}}`];
      if (outcome === 'refused') series.push(`refused_total{${door},${why}}`);
      for (const one of series) counted.set(one, (counted.get(one) ?? 0) + 1);
    }
    const text = await scrape();
    const samples = text.matchAll(/^sallyport_((?:tunnels|refused)_total\S+) (\d+)$/gm);
    expect(Object.fromEntries([...samples].map(([, series = '', value]) => [series, Number(value)]))).toEqual(
      Object.fromEntries(counted),
    );
  });

  it('sum up what the lines say, for bytes, times and hellos', async () => {
    const sums = new Map<string, number>();
    const add = (series: string, value: number): void => void sums.set(series, (sums.get(series) ?? 0) + value);
    for (const line of proxy.lines) {
      if (line['msg'] !== 'tunnel') continue;
      const door = `listener="${String(line['listener'])}"`;
      add(`bytes_total{${door},direction="up"}`, Number(line['bytes_up']));
      add(`bytes_total{${door},direction="down"}`, Number(line['bytes_down']));
      for (const step of ['resolve', 'connect', 'first_byte'])
        if (line[`${step}_ms`] !== undefined) add(`${step}_seconds_count{${door}}`, 1);
      if (line['outcome'] === 'ok' && line['reason'] !== 'probe') add(`tunnel_seconds_count{${door}}`, 1);
      const hello = `version="${String(line['tls'])}",ech="${String(line['ech'])}"`;
      if (line['tls'] !== undefined) add(`client_hellos_total{${door},${hello}}`, 1);
    }
    const samples = (await scrape()).matchAll(
      /^sallyport_((?:bytes_total|client_hellos_total|(?:resolve|connect|first_byte|tunnel)_seconds_count)\S+) (\d+)$/gm,
    );
    const told = [...samples].map(([, series = '', value]) => [series, Number(value)] as const);
    const isSome = ([, value]: readonly [string, number]): boolean => value > 0;
    expect(Object.fromEntries(told.filter(isSome))).toEqual(Object.fromEntries([...sums].filter(isSome)));
  });
});

interface Deaf {
  readonly port: number;
  stop(): void;
}

/** A listener whose queue is full: the kernel answers none who come now. */
async function startDeafListener(): Promise<Deaf> {
  const program = `require('net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () {
    console.log(this.address().port) })`;
  const child: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no stdout');
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(text.toString());
  await suspend(child);
  const queued = await Promise.all([openClient(port), openClient(port)]);
  return {
    port,
    stop: () => {
      for (const { socket } of queued) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
