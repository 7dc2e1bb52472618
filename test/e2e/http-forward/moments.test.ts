/** A connection of plain HTTP that goes on: each request is decided as if it were the first of a new one, at the moment it comes. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { configText } from '../harness/config-text.ts';
import { clientHello, helloFor } from '../harness/hello.ts';
import { ask, type Client, openClient } from '../harness/peers.ts';
import { type Running, type StartOptions, startSallyport } from '../harness/sallyport.ts';
import { forwarding, get, useHttpStage } from './stage.ts';

const stage = useHttpStage();
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const url = (): string => `http://127.0.0.1:${stage.rawPort}/`;
const refusal = (status: number): RegExp => new RegExp(`^HTTP/1\\.1 200 [^]*\r\n\r\nhiHTTP/1\\.1 ${status} `);

let proxy: Running | undefined;

async function start(yaml: string, options?: StartOptions): Promise<Running> {
  return (proxy = await startSallyport(yaml, options));
}

afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

/** A client with a certificate, at the explicit door, whose own is `server`. */
function connectWith(
  running: Running,
  server: Certificates,
  { cert, key }: Pick<Certificates, 'cert' | 'key'>,
): TLSSocket {
  return connectTls({ host: '127.0.0.1', port: running.port('explicit'), ca: readFileSync(server.caFile), cert, key });
}

/** A client of the proxy's that has had one answer. */
async function served(door = 'explicit'): Promise<Client> {
  stage.rawAnswer = (socket) => socket.end(answer);
  const client = await openClient(proxy?.port(door) ?? 0);
  client.socket.write(requestAt(door));
  await client.hears('\r\n\r\nhi');
  return client;
}

function requestAt(door: string): string {
  return door === 'explicit' ? get(url()) : `GET / HTTP/1.1\r\nHost: 127.0.0.1:${stage.rawPort}\r\n\r\n`;
}

describe('a request after a reload', () => {
  const users = { 'users.htpasswd': `alice:${hashSync('secret', 4)}\n` };

  it.each([
    { what: 'auth', explicit: ['http: forward', 'auth: { users_file: users.htpasswd }'], status: 407, reason: 'auth' },
    { what: 'http: reject', explicit: ['http: reject'], status: 405, reason: 'method' },
    {
      what: 'a smaller limit',
      explicit: ['http: forward', 'limits: { handshake_bytes: 1KiB }'],
      status: 431,
      reason: 'too_large',
    },
    {
      what: 'another policy',
      explicit: ['http: forward'],
      policy: 'policy: { default: deny }',
      status: 403,
      reason: 'policy',
    },
  ])('meets what that has brought: $what', async ({ explicit, policy = forwarding.policy, status, reason }) => {
    const running = await start(configText(forwarding), { files: users });
    const client = await served();
    expect(await running.reload(configText({ ...forwarding, explicit, policy }))).toMatchObject({ msg: 'reloaded' });
    client.socket.write(get(url(), `X-Pad: ${'x'.repeat(2000)}`));
    expect((await client.ended()).bytes.toString()).toMatch(refusal(status));
    expect(await running.tunnel({ reason })).toMatchObject({ status, outcome: 'refused' });
  });

  it('that is not answered yet is ended in words of the reload, and not of the rule that had allowed it', async () => {
    const recheck = (policy: string): string =>
      configText({ ...forwarding, policy }).replace('runtime: {', 'runtime: { reload_tunnels: recheck,');
    const running = await start(recheck(forwarding.policy));
    const client = await openClient(running.port('explicit'));
    const asked = new Promise<void>((resolve) => (stage.rawAnswer = () => resolve()));
    client.socket.write(get(url()));
    await asked;
    await running.reload(recheck('policy: { default: deny }'));
    expect((await client.ended()).bytes.toString()).toMatch(
      /^HTTP\/1\.1 403 Forbidden \(The rules of a reload deny the request\)\r\n/,
    );
    expect(await running.tunnel({ reason: 'policy' })).toMatchObject({ outcome: 'refused', status: 403 });
  });

  it('that is half answered is cut, and its line says that a reload did it', async () => {
    const recheck = (policy: string): string =>
      configText({ ...forwarding, policy }).replace('runtime: {', 'runtime: { reload_tunnels: recheck,');
    const running = await start(recheck(forwarding.policy));
    const client = await openClient(running.port('explicit'));
    stage.rawAnswer = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    client.socket.write(get(url()));
    await client.hears('half');
    await running.reload(recheck('policy: { default: deny }'));
    expect(await client.ended()).toMatchObject({ wasReset: true });
    const detail = 'The rules of a reload deny it.';
    expect(await running.tunnel({ reason: 'policy' })).toMatchObject({ outcome: 'ok', status: 200, detail });
  });

  /** A client at each door whose request has come to the origin, which does not answer. */
  async function asking(running: Running): Promise<readonly Client[]> {
    const clients: Client[] = [];
    for (const door of ['explicit', 'transparent']) {
      const asked = new Promise<void>((resolve) => (stage.rawAnswer = () => resolve()));
      const client = await openClient(running.port(door));
      client.socket.write(requestAt(door));
      await asked;
      clients.push(client);
    }
    return clients;
  }

  it('that is not answered at the end of a drain is told so', async () => {
    const running = await start(configText({ ...forwarding, more: 'timeouts: { drain: 100ms }' }));
    const clients = await asking(running);
    running.process.kill('SIGTERM');
    for (const client of clients)
      expect((await client.ended()).bytes.toString()).toMatch(
        /^HTTP\/1\.1 503 Service Unavailable \(Sallyport ended before the destination answered\)\r\n[^]*\r\nProxy-Status: sallyport; error=connection_limit_reached; /,
      );
    for (const listener of ['explicit', 'transparent'])
      expect(await running.tunnel({ listener })).toMatchObject({ reason: 'drain', outcome: 'refused', status: 503 });
  });

  it('that an operator ends before it is answered is told so', async () => {
    const admin = (yaml: string): string => yaml.replace('admin: {', 'admin: { control: true,');
    const running = await start(admin(configText(forwarding)));
    const clients = await asking(running);
    const api = `http://127.0.0.1:${running.port('admin')}/api/tunnels`;
    const { tunnels } = (await (await fetch(api)).json()) as { tunnels: readonly { id: string }[] };
    for (const { id } of tunnels) expect((await fetch(`${api}/${id}`, { method: 'DELETE' })).status).toBe(204);
    for (const client of clients)
      expect((await client.ended()).bytes.toString()).toMatch(
        /^HTTP\/1\.1 403 Forbidden \(An operator ended the request before the destination answered\)\r\n[^]*\r\nProxy-Status: sallyport; error=http_request_denied; /,
      );
    for (const listener of ['explicit', 'transparent'])
      expect(await running.tunnel({ listener })).toMatchObject({ reason: 'admin', outcome: 'refused', status: 403 });
  });

  it('meets it though it has waited behind another', async () => {
    const running = await start(configText(forwarding));
    const client = await openClient(running.port('explicit'));
    const hung = new Promise<() => void>((resolve) => {
      stage.rawAnswer = (socket) => resolve(() => socket.end(answer));
    });
    client.socket.write(get(url()) + get(url()));
    const proceed = await hung;
    await running.reload(configText({ ...forwarding, policy: 'policy: { default: deny }' }));
    proceed();
    expect((await client.ended()).bytes.toString()).toMatch(refusal(403));
  });

  it('meets it at the transparent door', async () => {
    const running = await start(configText(forwarding));
    const client = await served('transparent');
    await running.reload(configText({ ...forwarding, transparent: ['http: reject'] }));
    client.socket.write(requestAt('transparent'));
    expect((await client.ended()).bytes.toString()).toMatch(refusal(421));
  });

  it('comes too late where other authorities count by then, and the certificate is asked for anew', async () => {
    const [own, clients, others] = [
      makeCertificates(['127.0.0.1']),
      makeCertificates(['ci']),
      makeCertificates(['ci']),
    ];
    const explicit = ['http: forward', 'tls: { cert: proxy.crt, key: proxy.key, client_ca: clients.crt }'];
    const files = { 'proxy.crt': own.cert, 'proxy.key': own.key, 'clients.crt': readFileSync(clients.caFile, 'utf8') };
    const running = await start(configText({ ...forwarding, explicit }), { files });
    stage.rawAnswer = (socket) => socket.end(answer);
    const socket = connectWith(running, own, clients);
    socket.on('error', () => socket.destroy()).write(get(url()));
    await once(socket, 'data');
    writeFileSync(join(running.folder, 'clients.crt'), readFileSync(others.caFile));
    await running.reload(configText({ ...forwarding, explicit }));
    socket.resume().write(get(url()));
    await once(socket, 'close');
    expect(await running.tunnel({ reason: 'auth' })).toMatchObject({ outcome: 'refused' });
    expect(await running.tunnel({ user: 'ci' })).toMatchObject({ status: 200 });
  });
});

describe('a connection that is older than what its door asks of clients', () => {
  const asked = 'tls: { cert: proxy.crt, key: proxy.key, client_ca: clients.crt }';
  const own = makeCertificates(['127.0.0.1']);
  const clients = makeCertificates(['ci']);
  const files = { 'proxy.crt': own.cert, 'proxy.key': own.key, 'clients.crt': readFileSync(clients.caFile, 'utf8') };

  it('is answered as a new one without TLS is, once the door has a certificate', async () => {
    const running = await start(configText(forwarding), { files });
    const client = await served();
    await running.reload(configText({ ...forwarding, explicit: ['http: forward', asked] }));
    client.socket.write(get(url()));
    const heard = (await client.ended()).bytes.toString();
    expect(heard).toMatch(refusal(400));
    expect(heard).toContain('it is plain HTTP, and this door speaks TLS');
    expect(await running.tunnel({ reason: 'malformed' })).toMatchObject({ outcome: 'refused', status: 400 });
  });

  it('is refused once the door asks for a PROXY header', async () => {
    const narrow = { ...forwarding, more: 'limits: { tunnels: 1 }' };
    const running = await start(configText(narrow));
    const client = await served();
    await running.reload(configText({ ...narrow, explicit: ['http: forward', 'proxy_protocol: [loopback]'] }));
    client.socket.write(get(url()));
    expect((await client.ended()).bytes.toString().match(/HTTP/g)).toHaveLength(1);
    expect(await running.tunnel({ reason: 'proxy_protocol' })).toMatchObject({ outcome: 'refused' });
    // Its place is free again.
    const next = await openClient(running.port('explicit'));
    next.socket.write(`PROXY UNKNOWN\r\n${get(url())}`);
    await next.hears('\r\n\r\nhi');
    next.socket.destroy();
  });

  it('goes on where it has sent that header', async () => {
    const behind = { ...forwarding, explicit: ['http: forward', 'proxy_protocol: [loopback]'] };
    const running = await start(configText(behind));
    stage.rawAnswer = (socket) => socket.end(answer);
    const client = await openClient(running.port('explicit'));
    client.socket.write(`PROXY UNKNOWN\r\n${get(url())}`);
    await client.hears('\r\n\r\nhi');
    await running.reload(configText({ ...behind, more: 'timeouts: { idle: 5m }' }));
    stage.rawAnswer = (socket) => socket.end(answer.replace('hi', 'ho'));
    client.socket.write(get(url()));
    await client.hears('\r\n\r\nho');
    client.socket.destroy();
  });

  it('is not served as at the transparent door either', async () => {
    const explicit = ['http: forward', 'misdirected: serve', `port: ${stage.rawPort}`, asked];
    const running = await start(configText({ ...forwarding, explicit }), { files });
    let heard = '';
    const socket = connectWith(running, own, clients);
    stage.rawAnswer = (origin) => origin.end(answer);
    socket.on('error', () => socket.destroy()).on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
    socket.write(get(url()));
    await once(socket, 'data');
    writeFileSync(join(running.folder, 'clients.crt'), readFileSync(makeCertificates(['ci']).caFile));
    await running.reload(configText({ ...forwarding, explicit }));
    socket.write(helloFor('origin.test'));
    await once(socket, 'close');
    expect(heard.match(/HTTP/g)).toHaveLength(1);
    expect(await running.tunnel({ reason: 'auth' })).toMatchObject({ outcome: 'refused' });
  });
});

describe('a request behind the end of a client certificate', () => {
  it('comes too late, though its connection began in time', async () => {
    const [own, clients] = [makeCertificates(['127.0.0.1']), makeCertificates(['ci'])];
    const explicit = ['http: forward', 'tls: { cert: proxy.crt, key: proxy.key, client_ca: clients.crt }'];
    const files = { 'proxy.crt': own.cert, 'proxy.key': own.key, 'clients.crt': readFileSync(clients.caFile, 'utf8') };
    const running = await start(configText({ ...forwarding, explicit }), { files });
    stage.rawAnswer = (socket) => socket.end(answer);
    // Time enough for a handshake on a busy machine.
    const expiresAt = Math.ceil(Date.now() / 1000 + 4) * 1000;
    const socket = connectWith(running, own, { cert: signAgain(clients, new Date(expiresAt)), key: clients.key });
    socket.on('error', () => socket.destroy()).write(get(url()));
    await once(socket, 'data');
    await vi.waitUntil(() => Date.now() > expiresAt, { timeout: 30_000 });
    socket.resume().write(get(url()));
    await once(socket, 'close');
    const line = await running.tunnel({ reason: 'auth' });
    expect(line).toMatchObject({ outcome: 'refused', detail: expect.stringContaining('expired') as string });
    expect(await running.tunnel({ user: 'ci' })).toMatchObject({ status: 200 });
  });
});

/** The same certificate with another end, which `openssl x509` can give in whole days alone. */
function signAgain({ caFile }: Certificates, expiresAt: Date): string {
  const cwd = dirname(caFile);
  const settings = 'database=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=names';
  writeFileSync(join(cwd, 'ca.cnf'), `[ca]\ndefault_ca=own\n[own]\n${settings}\n[names]\ncommonName=supplied\n`);
  writeFileSync(join(cwd, 'index.txt'), '');
  const end = expiresAt.toISOString().replace(/[-:T]|\.000/g, '');
  const authority = ['-config', 'ca.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-batch', '-notext'];
  execFileSync('openssl', ['ca', ...authority, '-in', 'req.pem', '-out', 'short.pem', '-enddate', end], {
    cwd,
    stdio: 'pipe',
  });
  return readFileSync(join(cwd, 'short.pem'), 'utf8');
}

describe('a further request', () => {
  it('counts for new_per_client', async () => {
    const running = await start(configText({ ...forwarding, more: 'limits: { new_per_client: "2/s" }' }));
    stage.rawAnswer = (socket) => socket.end(answer);
    const startedAt = performance.now();
    const heard = await ask(running.port('explicit'), get(url()).repeat(200));
    const seconds = (performance.now() - startedAt) / 1000;
    expect(heard).toMatch(/HTTP\/1\.1 429 [^]*\r\nRetry-After: 1\r\n/);
    expect(heard.match(/HTTP\/1\.1 200/g)?.length).toBeLessThanOrEqual(2 + 2 * seconds);
  });

  /** All that a client hears behind the answer to its first request, where the limits refuse the further one. */
  async function heardOnceLimited(door: string, further: string | Buffer): Promise<string> {
    const running = await start(configText({ ...forwarding, more: 'limits: { new_per_client: "1/s" }' }));
    stage.rawAnswer = (socket) => socket.end(answer);
    const client = await openClient(running.port(door));
    client.socket.write(Buffer.concat([Buffer.from(requestAt(door)), Buffer.from(further)]));
    const heard = (await client.ended()).bytes.toString('latin1');
    expect(await running.tunnel({ reason: 'client_limit' })).toMatchObject({ outcome: 'refused' });
    return heard.slice(heard.indexOf('\r\n\r\nhi') + 6);
  }

  it.each(['explicit', 'transparent'])('that the limits refuse is told so in HTTP, at the %s door', async (door) => {
    const heard = await heardOnceLimited(door, requestAt(door));
    expect(heard).toMatch(/^HTTP\/1\.1 429 [^]*\r\nRetry-After: 1\r\n\r\nToo many connections /);
  });

  it.each(['explicit', 'transparent'])('that is a HEAD is refused without content, at the %s door', async (door) => {
    const heard = await heardOnceLimited(door, requestAt(door).replace('GET', 'HEAD'));
    expect(heard).toMatch(/^HTTP\/1\.1 429 [^]*\r\n\r\n$/);
  });

  it('that is TLS in place of HTTP is refused in TLS, at the transparent door', async () => {
    expect(await heardOnceLimited('transparent', helloFor('a.test'))).toBe('\x15\x03\x03\0\x02\x02\x50');
  });

  it('that is a ClientHello is held to handshake_bytes, also where all of it has arrived', async () => {
    const running = await start(configText({ ...forwarding, more: 'limits: { handshake_bytes: 2KiB }' }));
    const client = await served('transparent');
    client.socket.write(clientHello(new Map([[21, Buffer.alloc(4096)]])));
    expect((await client.ended()).bytes.subarray(-7)).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 50));
    await running.tunnel({ reason: 'too_large' });
  });

  /** Another client keeps the process alive, for a connection between two requests does not. */
  async function kept(running: Running): Promise<Client> {
    const other = await openClient(running.port('explicit'));
    await expect.poll(() => running.metric('handshakes_active{listener="explicit"}')).toBe(1);
    return other;
  }

  it.each(['explicit', 'transparent'])('is awaited at the %s door no more once Sallyport drains', async (door) => {
    const running = await start(configText({ ...forwarding, more: 'timeouts: { handshake: 60s, drain: 60s }' }));
    const client = await served(door);
    const other = await kept(running);
    running.process.kill('SIGTERM');
    expect(await client.ended()).toMatchObject({ wasReset: false });
    expect(client.heard().toString()).toMatch(/\r\n\r\nhi$/);
    expect(running.process.exitCode).toBeNull();
    other.socket.destroy();
  });

  it.each(['explicit', 'transparent'])(
    'that has come already is told at the %s door that Sallyport drains',
    async (door) => {
      const running = await start(configText({ ...forwarding, more: 'timeouts: { drain: 60s }' }));
      let finish: () => void = () => undefined;
      stage.rawAnswer = (socket) => {
        finish = () => socket.end(answer.slice(-1));
        socket.write(answer.slice(0, -1));
      };
      const client = await openClient(running.port(door));
      client.socket.write(requestAt(door).repeat(2));
      await client.hears('\r\n\r\nh');
      running.process.kill('SIGTERM');
      await running.line({ msg: 'draining' });
      finish();
      expect((await client.ended()).bytes.toString()).toMatch(refusal(503));
    },
  );

  it('may be a CONNECT', async () => {
    const running = await start(configText(forwarding));
    const client = await served();
    stage.rawAnswer = (socket, first) => socket.end(`tunnelled ${first.toString()}`);
    client.socket.write(`CONNECT 127.0.0.1:${stage.rawPort} HTTP/1.1\r\n\r\nping`);
    expect((await client.ended()).bytes.toString()).toMatch(
      /\r\n\r\nhiHTTP\/1\.1 200 Connection Established\r\n\r\ntunnelled ping$/,
    );
    client.socket.end();
    expect(await running.tunnel({ bytes_up: 4 })).toMatchObject({ host: '127.0.0.1', outcome: 'ok' });
  });

  it.each(['explicit', 'transparent'])('may come behind one empty line, and no more, at the %s door', async (door) => {
    await start(configText(forwarding));
    const client = await served(door);
    stage.rawAnswer = (socket) => socket.end(answer.replace('hi', 'ho'));
    client.socket.write(`\r\n${requestAt(door)}`);
    await client.hears('\r\n\r\nho');
    client.socket.write(`\r\n\r\n${requestAt(door)}`);
    const { bytes } = await client.ended();
    expect(bytes.toString().match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  it.each([
    { what: 'two spaces', head: (to: string) => `GET  ${to} HTTP/1.1\r\nHost: a\r\n\r\n` },
    { what: 'a bad Host', head: (to: string) => `GET ${to} HTTP/1.1\r\nHost: a b\r\n\r\n` },
    { what: 'no Host', head: (to: string) => `GET ${to} HTTP/1.1\r\n\r\n` },
    {
      what: 'a length that some read as octal',
      head: (to: string) => `PUT ${to} HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n`,
    },
  ])('is malformed by what makes a first one so: $what', async ({ head }) => {
    const running = await start(configText(forwarding));
    expect(await ask(running.port('explicit'), head(url()))).toMatch(/^HTTP\/1\.1 400 /);
    const client = await served();
    client.socket.write(head(url()));
    expect((await client.ended()).bytes.toString()).toMatch(refusal(400));
  });

  /** Content that is longer than its head has said begins with anything. */
  const leftovers = [
    'rest\r\n\r\n',
    ' GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\0',
    'HELO a\r\n\r\n',
    `${'M'.repeat(100)} / HTTP/9.9\r\n\r\n`,
  ];

  it.each(['explicit', 'transparent'])('is refused in HTTP, whatever it begins with, at the %s door', async (door) => {
    const running = await start(configText(forwarding));
    for (const text of leftovers) {
      const before = running.lines.length;
      const client = await served(door);
      client.socket.write(text);
      expect((await client.ended()).bytes.toString()).toMatch(refusal(400));
      const line = await running.line({ msg: 'tunnel', reason: 'malformed' }, before);
      expect(line).toMatchObject({ outcome: 'refused', status: 400 });
    }
  });

  it.each(['explicit', 'transparent'])('that stops in its first line is told 408, at the %s door', async (door) => {
    const running = await start(configText({ ...forwarding, more: 'timeouts: { handshake: 3s }' }));
    const client = await served(door);
    client.socket.write('get /a');
    expect((await client.ended()).bytes.toString()).toMatch(refusal(408));
    expect(await running.tunnel({ reason: 'handshake_timeout' })).toMatchObject({
      detail: 'The request head was not complete in time.',
    });
  });

  it('that came from this very process has gone round in a circle', async () => {
    const running = await start(configText(forwarding));
    const seen = new Promise<string>((resolve) => {
      stage.rawAnswer = (socket, first) => {
        socket.end(answer);
        resolve(first.toString());
      };
    });
    const client = await openClient(running.port('explicit'));
    client.socket.write(get(url()));
    const via = /\r\n(Via: [^\r]*)\r\n/.exec(await seen)?.[1] ?? '';
    client.socket.write(get(url(), via));
    expect((await client.ended()).bytes.toString()).toMatch(refusal(502));
    expect(await running.tunnel({ reason: 'loop' })).toMatchObject({ decision: 'deny' });
  });
});
