/** Who a client is, through the real binary: passwords, certificates, and the proxy itself spoken to over TLS. */
import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { hashSync } from 'bcryptjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from './harness/certificates.ts';
import { testedRuntime } from './harness/config-text.ts';
import { ask, echoOrigin, httpsOrigin, openClient, type Origin, run } from './harness/peers.ts';
import { type Expected, type Running, startSallyport } from './harness/sallyport.ts';

const alice = `alice:${hashSync('secret', 4)}\n`;
const bob = `bob:${hashSync('a:b "c"', 4)}\n`;

const proxyCertificates = makeCertificates(['127.0.0.1']);
const originCertificates = makeCertificates(['origin.test']);

let echo: Origin;
let origin: Origin;
let proxy: Running;

beforeAll(async () => {
  echo = await echoOrigin();
  origin = await httpsOrigin(originCertificates, 'hello from the origin');
});

afterEach(async () => {
  await proxy.stop();
});

afterAll(() => {
  echo.close();
  origin.close();
});

/** An explicit door with `keys`, and rules of which the first is for alice alone. */
function yaml(keys: string, rules = '{ name: everyone, action: allow }'): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0", ${keys} }
admin: { bind: "127.0.0.1:0" }
dns: { hosts: { origin.test: ["127.0.0.1"] } }
runtime: ${testedRuntime()}
policy:
  rules: [${rules}]
  destinations: { allow: [loopback] }
`;
}

const auth = 'auth: { users_file: users.htpasswd, realm: builds }';
const files = { 'users.htpasswd': `# users\n${alice}${bob}` };
const start = (keys = auth, rules?: string): Promise<Running> => startSallyport(yaml(keys, rules), { files });

const basic = (text: string): string => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
const connectTo = (authority: string, ...fieldLines: string[]): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fieldLines.join('')}\r\n`;
const toEcho = (...fieldLines: string[]): string => connectTo(`127.0.0.1:${echo.port}`, ...fieldLines);

/** The status line that a request is answered with, tunnel or refusal; the connection is dropped. */
async function statusOf(request: string): Promise<string> {
  const client = await openClient(proxy.port('explicit'));
  client.socket.write(request);
  const reply = await client.hears('\r\n\r\n');
  client.socket.destroy();
  return reply.toString('latin1').split('\r\n', 1)[0] ?? '';
}

async function curl(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const url = `https://origin.test:${origin.port}/`;
  return run('curl', [
    '--silent',
    '--show-error',
    '--max-time',
    '10',
    '--cacert',
    originCertificates.caFile,
    ...args,
    url,
  ]);
}

describe('a door with auth', () => {
  it('asks curl for credentials, lets it in with them, and logs who it was and nothing of the password', async () => {
    proxy = await start();
    const via = ['--proxy', `http://127.0.0.1:${proxy.port('explicit')}`];
    expect((await curl(...via)).stderr).toContain('407');
    expect((await curl(...via, '--proxy-user', 'alice:secret')).stdout).toBe('hello from the origin');
    expect((await curl(...via, '--proxy-user', 'bob:a:b "c"')).stdout).toBe('hello from the origin');
    await proxy.tunnel({ user: 'alice', outcome: 'ok', status: 200 });
    await proxy.tunnel({ user: 'bob', outcome: 'ok' });
    expect(await proxy.tunnel({ reason: 'auth' })).toMatchObject({ outcome: 'refused', status: 407 });
    expect(await proxy.metric('refused_total{listener="explicit",reason="auth"}')).toBe(1);
    expect(JSON.stringify(proxy.lines)).not.toMatch(/secret|YWxpY2U6c2VjcmV0/);
  });

  it.each([
    { what: 'no credentials', fieldLine: '' },
    { what: 'a wrong password', fieldLine: basic('alice:guess'), user: 'alice' },
    { what: 'an unknown name', fieldLine: basic('mallory:secret') },
    { what: 'another scheme', fieldLine: 'Proxy-Authorization: Bearer YWxpY2U6c2VjcmV0\r\n' },
    { what: 'no base64', fieldLine: 'Proxy-Authorization: Basic alice:secret\r\n' },
    { what: 'credentials for an origin', fieldLine: basic('alice:secret').replace('Proxy-', '') },
  ])('answers $what with 407 and a challenge, and reads nothing behind', async ({ fieldLine, user }) => {
    proxy = await start();
    const reply = await ask(proxy.port('explicit'), toEcho(fieldLine) + toEcho(basic('alice:secret')));
    expect(reply).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required \(/);
    expect(reply).toContain('\r\nProxy-Authenticate: Basic realm="builds", charset="UTF-8"\r\n');
    expect(reply).toContain('\r\nProxy-Status: sallyport; error=http_request_denied; details="');
    expect(reply).toContain('\r\nConnection: close\r\n');
    expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
    await proxy.stop();
    const refused = proxy.lines.find(({ reason }) => reason === 'auth');
    expect(refused).toMatchObject({ host: '127.0.0.1', port: echo.port, status: 407, stage: 'identify' });
    expect(refused?.['user']).toBe(user);
    expect(JSON.stringify(proxy.lines)).not.toContain('mallory');
  });

  it('says in the log where a request of plain HTTP wanted to go that it asks for credentials', async () => {
    proxy = await startSallyport(yaml(`${auth}, http: forward`), { files });
    const request = `GET http://origin.test:8080/ HTTP/1.1\r\nHost: origin.test:8080\r\n${basic('alice:guess')}\r\n`;
    expect(await ask(proxy.port('explicit'), request)).toMatch(/^HTTP\/1\.1 407 /);
    expect(await proxy.tunnel({ reason: 'auth' })).toMatchObject({ host: 'origin.test', port: 8080, user: 'alice' });
  });

  it('takes a name and a password in Latin-1, as programs send them that do not know of the charset', async () => {
    proxy = await startSallyport(yaml(auth), { files: { 'users.htpasswd': `jürgen:${hashSync('geheimnüs', 4)}` } });
    for (const encoding of ['latin1', 'utf8'] as const) {
      const credentials = Buffer.from('jürgen:geheimnüs', encoding).toString('base64');
      expect(await statusOf(toEcho(`Proxy-Authorization: Basic ${credentials}\r\n`))).toContain('200');
      await proxy.tunnel({ user: 'jürgen', outcome: 'ok' });
    }
  });

  it('answers credentials given twice with 400, a malformed target before it asks, and a policy denial with 403', async () => {
    proxy = await start(auth, '{ name: alice, action: allow, users: [alice] }');
    expect(await statusOf(toEcho(basic('alice:secret'), basic('alice:secret')))).toContain('400');
    expect(await statusOf(connectTo('origin.test'))).toContain('400');
    expect(await statusOf(toEcho(basic('bob:a:b "c"')))).toContain('403');
    expect(await statusOf(toEcho(basic('alice:secret')))).toContain('200');
    await proxy.tunnel({ user: 'bob', reason: 'policy', decision: 'deny', rule: 'default' });
    await proxy.tunnel({ user: 'alice', rule: 'alice', outcome: 'ok' });
  });

  it('notices a client that leaves while its password is compared', async () => {
    proxy = await startSallyport(yaml(auth), { files: { 'users.htpasswd': `slow:${hashSync('secret', 13)}` } });
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(toEcho(basic('slow:secret')), () => client.socket.destroy());
    expect(await proxy.tunnel({ reason: 'client_closed' })).toMatchObject({ outcome: 'failed', stage: 'identify' });
  });

  it('takes new users and new passwords by a reload, and keeps the old ones for a broken file', async () => {
    proxy = await start();
    expect(await statusOf(toEcho(basic('alice:secret')))).toContain('200');
    const usersFile = join(proxy.folder, 'users.htpasswd');
    writeFileSync(usersFile, 'alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
    const failed = await proxy.reload(yaml(auth));
    expect(failed).toMatchObject({ msg: 'reload failed' });
    expect(JSON.stringify(failed)).toMatch(/users\.htpasswd:1:1: .*alice is kept as SHA-1 .*htpasswd -B/);
    expect(await statusOf(toEcho(basic('alice:secret')))).toContain('200');

    writeFileSync(usersFile, `alice:${hashSync('renewed', 4)}\n`);
    expect(await proxy.reload(yaml(auth))).toMatchObject({ msg: 'reloaded' });
    expect(await statusOf(toEcho(basic('alice:secret')))).toContain('407');
    expect(await statusOf(toEcho(basic('alice:renewed')))).toContain('200');
  });
});

describe('a door with tls', () => {
  const tls = 'tls: { cert: proxy.crt, key: proxy.key }';
  const pair = ({ cert, key }: Certificates): Record<string, string> => ({ 'proxy.crt': cert, 'proxy.key': key });
  const proxyArgs = (...more: string[]): string[] => [
    '--proxy',
    `https://127.0.0.1:${proxy.port('explicit')}`,
    '--proxy-cacert',
    proxyCertificates.caFile,
    ...more,
  ];

  it('is spoken to over TLS, credentials and tunnel alike', async () => {
    proxy = await startSallyport(yaml(`${tls}, ${auth}`), { files: { ...files, ...pair(proxyCertificates) } });
    expect((await curl(...proxyArgs())).stderr).toContain('407');
    expect((await curl(...proxyArgs('--proxy-user', 'alice:secret'))).stdout).toBe('hello from the origin');
    expect(await proxy.tunnel({ user: 'alice' })).toMatchObject({ outcome: 'ok', mode: 'connect', status: 200 });
  });

  it.each([
    { what: 'a CONNECT', request: () => toEcho(), detail: 'it is plain HTTP, and this door speaks TLS' },
    {
      what: 'an OPTIONS',
      request: () => 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n',
      detail: 'it is plain HTTP, and this door speaks TLS',
    },
    {
      what: 'what is no HTTP',
      request: () => 'SSH-2.0-OpenSSH_9.9\r\n\r\n',
      detail: 'it is no TLS, and this door speaks TLS',
    },
  ])('answers $what without TLS with 400, and asks for no credentials in the clear', async ({ request, detail }) => {
    proxy = await startSallyport(yaml(`${tls}, ${auth}, http: forward`), {
      files: { ...files, ...pair(proxyCertificates) },
    });
    const reply = await ask(proxy.port('explicit'), request());
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('\r\nConnection: close\r\n');
    expect(reply).toContain(`The request is malformed: ${detail} (malformed, tunnel `);
    expect(await proxy.tunnel({ reason: 'malformed' })).toMatchObject({ outcome: 'refused', status: 400 });
  });

  it('answers plain HTTP as the request asks: in JSON, and without content for a HEAD', async () => {
    proxy = await startSallyport(yaml(tls), { files: pair(proxyCertificates) });
    const json = await ask(proxy.port('explicit'), toEcho('Accept: application/json\r\n'));
    const [, content = ''] = json.split('\r\n\r\n');
    expect(JSON.parse(content)).toMatchObject({ status: 400, reason: 'malformed' });
    const head = await ask(proxy.port('explicit'), 'HEAD http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 [^]*\r\nContent-Length: [1-9][^]*\r\n\r\n$/);
  });

  it('refuses SOCKS without TLS in its own words', async () => {
    proxy = await startSallyport(yaml(tls), { files: pair(proxyCertificates) });
    expect(await ask(proxy.port('explicit'), Buffer.of(5, 1, 0))).toBe('\x05\xff');
    const line = await proxy.tunnel({ reason: 'malformed' });
    expect(line['detail']).toContain('SOCKS 5');
  });

  it.each(['1.2', '1.3'])('says of a client that rejects the certificate just that, in TLS %s', async (version) => {
    proxy = await startSallyport(yaml(tls), { files: pair(proxyCertificates) });
    const strict = ['--proxy-cacert', originCertificates.caFile, '--tls-max', version, '--proxy-tlsv1'];
    const { stderr } = await curl('--proxy', `https://127.0.0.1:${proxy.port('explicit')}`, ...strict);
    expect(stderr).toMatch(/certificate/i);
    expect(await proxy.tunnel({ reason: 'certificate' })).toMatchObject({
      level: 'warn',
      outcome: 'failed',
      stage: 'identify',
      detail: 'TLS with the client failed: the client does not accept the certificate of this door (alert unknown ca).',
    });
  });

  it.each([
    { when: 'before its request', isUp: false, expected: { reason: 'malformed', stage: 'identify' } },
    { when: 'in its tunnel', isUp: true, expected: { reason: 'client_reset', outcome: 'ok' } },
  ])('names an error of TLS behind the handshake, $when', async ({ isUp, expected }) => {
    proxy = await startSallyport(yaml(tls), { files: pair(proxyCertificates) });
    const { client, wire } = await openSecured(proxy.port('explicit'));
    if (isUp) {
      client.write(toEcho());
      await once(client, 'data');
    }
    // A record that none of the client's keys has made.
    wire.write(Buffer.concat([Buffer.of(23, 3, 3, 0, 32), Buffer.alloc(32, 7)]));
    const line = await proxy.tunnel();
    expect(line).toMatchObject(expected);
    expect(line['detail']).toMatch(/^TLS with the client .*decryption failed or bad record mac/);
    client.destroy();
  });

  it('bounds the handshake, and counts the client from accept on', async () => {
    proxy = await startSallyport(yaml(`${tls}, timeouts: { handshake: 1s }, limits: { tunnels: 1 }`), {
      files: pair(proxyCertificates),
    });
    const silent = await openClient(proxy.port('explicit'));
    // A silent client is announced some milliseconds after it has come.
    await expect.poll(() => proxy.metric('handshakes_active{listener="explicit"}')).toBe(1);
    const other = await openClient(proxy.port('explicit'));
    await proxy.tunnel({ reason: 'overload' });
    await proxy.tunnel({ reason: 'handshake_timeout' });
    expect((await silent.ended()).bytes.length).toBe(0);
    silent.socket.destroy();
    other.socket.destroy();
  });

  it('gives no handshake to a client beyond the limits, but the alert internal_error', async () => {
    proxy = await startSallyport(yaml(`${tls}, limits: { tunnels_per_client: 1 }`), { files: pair(proxyCertificates) });
    const first = await openClient(proxy.port('explicit'));
    // A silent client is announced some milliseconds after it has come.
    await expect.poll(() => proxy.metric('handshakes_active{listener="explicit"}')).toBe(1);
    const second = await curl(...proxyArgs());
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/alert internal error/i);
    expect(await proxy.tunnel({ reason: 'client_limit' })).not.toHaveProperty('status');
    first.socket.destroy();
  });

  it('knows a client by its certificate, and refuses one without', async () => {
    const client = makeCertificates(['ci']);
    const mutual = 'tls: { cert: proxy.crt, key: proxy.key, client_ca: clients.crt }';
    proxy = await startSallyport(yaml(mutual, '{ name: ci, action: allow, users: [ci] }'), {
      files: { ...pair(proxyCertificates), 'clients.crt': readFileSync(client.caFile, 'utf8') },
    });
    const shown = await curl(...proxyArgs('--proxy-cert', client.certFile, '--proxy-key', client.keyFile));
    expect(shown.stdout).toBe('hello from the origin');
    await proxy.tunnel({ user: 'ci', rule: 'ci', outcome: 'ok' });

    expect((await curl(...proxyArgs())).code).not.toBe(0);
    const stranger = makeCertificates(['ci']);
    expect(
      (await curl(...proxyArgs('--proxy-cert', stranger.certFile, '--proxy-key', stranger.keyFile))).code,
    ).not.toBe(0);
    const because = (why: string): Expected => ({
      reason: 'auth',
      detail: `TLS with the client failed: the client${why}.`,
    });
    await proxy.tunnel(because(' showed no certificate'));
    await proxy.tunnel(because("'s certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)"));
  });

  it('shows a renewed certificate after a reload, and goes on with the old one when the new one is unfit', async () => {
    proxy = await startSallyport(yaml(tls), { files: pair(proxyCertificates) });
    const renewed = makeCertificates(['127.0.0.1']);
    expect((await curl(...proxyArgs())).stdout).toBe('hello from the origin');

    writeFileSync(join(proxy.folder, 'proxy.crt'), renewed.cert);
    const failed = await proxy.reload(yaml(tls));
    expect(failed).toMatchObject({ msg: 'reload failed' });
    expect(JSON.stringify(failed)).toMatch(/listeners\[0\]\.tls\.key: proxy\.key is not the certificate's key/);
    expect((await curl(...proxyArgs())).stdout).toBe('hello from the origin');

    writeFileSync(join(proxy.folder, 'proxy.key'), renewed.key);
    expect(await proxy.reload(yaml(tls))).toMatchObject({ msg: 'reloaded' });
    expect((await curl(...proxyArgs())).stderr).toMatch(/certificate/i);
    expect((await curl(...proxyArgs('--proxy-cacert', renewed.caFile))).stdout).toBe('hello from the origin');
  });
});

/** A client that speaks TLS over a wire on which others may write too. */
async function openSecured(port: number): Promise<{ client: TLSSocket; wire: Socket }> {
  const wire = connect({ port, host: '127.0.0.1' });
  const client = connectTls({ socket: wire, ca: proxyCertificates.cert, rejectUnauthorized: false });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  // A session ticket of the server's may follow; what the client says is read behind all that the handshake had.
  return { client, wire };
}
