/** The cross-check at the explicit door: a tunnel to an allowed name that then asks for another one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { clientHello, helloFor, serverName } from './harness/hello.ts';
import { type Client, httpsOrigin, openTunnel, type Origin, run, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const alertAccessDenied = Buffer.of(21, 3, 3, 0, 2, 2, 49);
const short = 'timeouts: { handshake: 2s }';
let enforcing: Running;
let reporting: Running;
let atOrigin: Buffer[] = [];
let origin: Origin;

beforeAll(async () => {
  origin = await tcpOrigin((socket) => {
    socket.on('data', (chunk: Buffer) => atOrigin.push(chunk)).on('end', () => socket.end());
  });
  enforcing = await startSallyport(configText({ explicit: ['verify_sni: enforce', short] }));
  reporting = await startSallyport(configText({ explicit: ['verify_sni: report'] }));
});

afterEach(() => {
  atOrigin = [];
});

afterAll(async () => {
  await Promise.all([enforcing.stop(), reporting.stop()]);
  origin.close();
});

const named = (): string => `origin.test:${origin.port}`;
const literal = (): string => `127.0.0.1:${origin.port}`;
const withoutName = clientHello(new Map());
const withEch = clientHello(
  new Map([
    [0, serverName('origin.test')],
    [0xfe0d, Buffer.alloc(40)],
  ]),
);
/** A hello of 16 MiB, by what its first bytes say. */
const announced = Buffer.of(22, 3, 1, 64, 0, 1, 0xff, 0xff, 0xff);

async function saidInside(proxy: Running, authority: string, bytes: Uint8Array): Promise<Client> {
  const client = await openTunnel(proxy.port('explicit'), authority);
  expect(client.heard().toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
  client.socket.write(bytes);
  return client;
}

describe('verify_sni: enforce', () => {
  it('relays a hello that names the host, whole', async () => {
    const client = await saidInside(enforcing, named(), helloFor('origin.test'));
    client.socket.end('and more');
    await client.ended();
    expect(Buffer.concat(atOrigin)).toEqual(Buffer.concat([helloFor('origin.test'), Buffer.from('and more')]));
    expect(await enforcing.tunnel({ outcome: 'ok' })).toMatchObject({ sni: 'origin.test', host: 'origin.test' });
    expect(await enforcing.metric('sni_checks_total{listener="explicit",result="match"}')).toBe(1);
  });

  it('takes a hello without a name for an address, which has none', async () => {
    const client = await saidInside(enforcing, literal(), withoutName);
    client.socket.end();
    await client.ended();
    expect(Buffer.concat(atOrigin)).toEqual(withoutName);
  });

  it('takes an address in place of a name, where it is the one that CONNECT named', async () => {
    const client = await saidInside(enforcing, literal(), helloFor('127.0.0.1'));
    client.socket.end();
    await client.ended();
    expect(Buffer.concat(atOrigin)).toEqual(helloFor('127.0.0.1'));
  });

  it.each([
    {
      what: 'malformed',
      bytes: helloFor('a..b'),
      detail: /^The ClientHello in the tunnel is malformed: its server_name /,
    },
    { what: 'too large', bytes: announced, detail: /^The ClientHello in the tunnel is larger than handshake_bytes\.$/ },
  ])('says of a hello that it is $what', async ({ bytes, detail }) => {
    const before = enforcing.lines.length;
    const client = await saidInside(enforcing, named(), bytes);
    await client.ended();
    client.socket.destroy();
    const line = await enforcing.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
    expect(line['detail']).toMatch(detail);
    expect(client.heard().subarray(-7)).toEqual(alertAccessDenied);
    expect(atOrigin).toEqual([]);
  });

  it.each([
    {
      what: 'another name',
      authority: named,
      bytes: helloFor('evil.test'),
      result: 'mismatch',
      said: alertAccessDenied,
    },
    {
      what: 'a name for an address',
      authority: literal,
      bytes: helloFor('evil.test'),
      result: 'mismatch',
      said: alertAccessDenied,
    },
    {
      what: 'another address for an address',
      authority: literal,
      bytes: helloFor('127.0.0.2'),
      result: 'mismatch',
      said: alertAccessDenied,
    },
    {
      what: 'an address for a named host',
      authority: named,
      bytes: helloFor('127.0.0.1'),
      result: 'absent',
      said: alertAccessDenied,
    },
    {
      what: 'no name for a named host',
      authority: named,
      bytes: withoutName,
      result: 'absent',
      said: alertAccessDenied,
    },
    {
      what: 'no TLS at all',
      authority: named,
      bytes: Buffer.from('SSH-2.0-x\r\n'),
      result: 'not_tls',
      said: Buffer.of(),
    },
  ])('ends a tunnel with $what, nothing of it sent on', async ({ authority, bytes, result, said }) => {
    const before = enforcing.lines.length;
    const client = await saidInside(enforcing, authority(), bytes);
    const { bytes: heard, wasReset } = await client.ended();
    client.socket.destroy();
    expect(wasReset).toBe(false);
    expect(heard.subarray(heard.indexOf('\r\n\r\n') + 4)).toEqual(said);
    const line = await enforcing.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
    expect(line).toMatchObject({ outcome: 'refused', stage: 'verify', decision: 'allow', status: 200 });
    expect(atOrigin).toEqual([]);
    expect(await enforcing.metric(`sni_checks_total{listener="explicit",result="${result}"}`)).toBeGreaterThan(0);
  });

  it('ends a tunnel whose client says nothing in time', async () => {
    const client = await openTunnel(enforcing.port('explicit'), named());
    await client.ended();
    client.socket.destroy();
    await enforcing.tunnel({ reason: 'handshake_timeout', stage: 'verify' });
  });

  it('calls a client that leaves before its hello client_closed', async () => {
    const client = await openTunnel(enforcing.port('explicit'), named());
    client.socket.destroy();
    await enforcing.tunnel({ reason: 'client_closed', stage: 'verify' });
  });

  it('serves curl, certificate verified', async () => {
    const certificates = makeCertificates(['origin.test']);
    const https = await httpsOrigin(certificates, 'page');
    const proxy = ['--proxy', `http://127.0.0.1:${enforcing.port('explicit')}`];
    const args = ['--silent', '--show-error', '--max-time', '10', '--cacert', certificates.caFile, ...proxy];
    const answer = await run('curl', [...args, `https://origin.test:${https.port}/`]);
    https.close();
    expect(answer).toEqual({ code: 0, stdout: 'page', stderr: '' });
  });
});

describe('verify_sni: report', () => {
  const checks = (): Promise<(number | undefined)[]> =>
    Promise.all(
      ['match', 'mismatch', 'absent', 'not_tls'].map((result) =>
        reporting.metric(`sni_checks_total{listener="explicit",result="${result}"}`),
      ),
    );

  it.each([
    {
      what: 'another name',
      bytes: helloFor('evil.test'),
      result: 'mismatch',
      detail: 'The ClientHello in the tunnel names another host than CONNECT did.',
    },
    {
      what: 'no name',
      bytes: withoutName,
      result: 'absent',
      detail: 'The ClientHello in the tunnel names no host.',
    },
    {
      what: 'no TLS',
      bytes: Buffer.from('no TLS at all\n'),
      result: 'not_tls',
      detail: 'What came through the tunnel is not TLS.',
    },
  ])('counts $what, lets it pass whole, and says in its line what enforce would', async ({ bytes, result, detail }) => {
    const client = await saidInside(reporting, named(), bytes);
    client.socket.end();
    await client.ended();
    expect(Buffer.concat(atOrigin)).toEqual(bytes);
    expect(await reporting.tunnel({ outcome: 'ok', detail })).toMatchObject({ host: 'origin.test', status: 200 });
    expect(await reporting.metric(`sni_checks_total{listener="explicit",result="${result}"}`)).toBe(1);
  });

  it('has nothing to say of a client that leaves without a word, as enforce has not', async () => {
    const before = await checks();
    const client = await openTunnel(reporting.port('explicit'), literal());
    const from = reporting.lines.length;
    client.socket.end();
    await client.ended();
    const line = await reporting.line({ msg: 'tunnel', reason: 'client_closed' }, from);
    expect(line).not.toHaveProperty('detail');
    expect(await checks()).toEqual(before);
  });

  it('holds nobody up where the server speaks first', async () => {
    const greeting = await tcpOrigin((socket) => socket.end('220 ready\r\n'));
    const client = await openTunnel(reporting.port('explicit'), `127.0.0.1:${greeting.port}`);
    await client.hears('220 ready\r\n');
    client.socket.destroy();
    greeting.close();
  });
});

describe('ech: deny', () => {
  it.each(['enforce', 'report'])('ends a tunnel whose hello is encrypted, under verify_sni: %s', async (verify) => {
    const proxy = await startSallyport(configText({ explicit: [`verify_sni: ${verify}`, 'ech: deny'] }));
    const client = await saidInside(proxy, named(), withEch);
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(atOrigin).toEqual([]);
    const line = await proxy.tunnel({ reason: 'ech' });
    expect(line).toMatchObject({ outcome: 'refused', stage: 'verify', sni: 'origin.test', ech: true, status: 200 });

    const other = await saidInside(proxy, named(), helloFor('origin.test'));
    other.socket.end();
    await other.ended();
    expect(Buffer.concat(atOrigin)).toEqual(helloFor('origin.test'));
    await proxy.stop();
  });

  it('is not asked for by default: the outer name counts', async () => {
    const client = await saidInside(enforcing, named(), withEch);
    client.socket.end();
    await client.ended();
    expect(Buffer.concat(atOrigin)).toEqual(withEch);
  });
});
