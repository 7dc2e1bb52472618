/** How clients come in: behind a balancer that says who they are, and by either family at one bind. */
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { ask, echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { isInstalled } from './harness/programs.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { freePort } from './harness/ports.ts';
import { suspend } from './harness/suspend.ts';
import { startProxy } from './egress/other-proxy.ts';

let echo: Origin;
let proxy: Running;

const policy = `policy:
  rules:
    - { name: known, action: allow, clients: ["203.0.113.0/24", "2001:db8::/32"] }
    - { name: near, action: allow, clients: [loopback], hosts: [near.test] }
  destinations: { allow: [loopback] }`;

beforeAll(async () => {
  echo = await echoOrigin();
  const behind = ['proxy_protocol: ["127.0.0.1"]', 'timeouts: { handshake: 600ms }'];
  proxy = await startSallyport(
    configText({
      policy,
      explicit: [...behind, 'limits: { tunnels_per_client: 2 }'],
      transparent: [...behind, `port: ${echo.port}`],
      hosts: { 'near.test': ['127.0.0.1'] },
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** 203.0.113.7:4660 to 192.0.2.1:443 */
const V4 = 'cb007107 c0000201 1234 01bb';
const v2 = (command: string, body: string): Buffer => {
  const rest = hex(body);
  return Buffer.concat([hex(SIGNATURE + command), Buffer.of(rest.length >> 8, rest.length & 255), rest]);
};

const introduced = [
  { what: 'v1 over IPv4', header: Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 4660 443\r\n'), client: '203.0.113.7' },
  {
    what: 'v1 over IPv6',
    header: Buffer.from('PROXY TCP6 2001:DB8::7 2001:db8::1 4660 443\r\n'),
    client: '2001:db8::7',
  },
  { what: 'v1 mapped', header: Buffer.from('PROXY TCP6 ::ffff:203.0.113.7 ::1 4660 443\r\n'), client: '203.0.113.7' },
  { what: 'v2 over IPv4', header: v2('2111', V4), client: '203.0.113.7' },
  {
    what: 'v2 over IPv6',
    header: v2('2121', `${'20010db8000000000000000000000007'.repeat(2)} 1234 01bb`),
    client: '2001:db8::7',
  },
  {
    what: "v2 with an AWS endpoint's id, a NOOP and an authority",
    header: v2(
      '2111',
      `${V4} ea 0016 01 ${Buffer.from('vpce-08d2bf15fac5001c').toString('hex')} 04 0003 000000 02 0001 61`,
    ),
    client: '203.0.113.7',
  },
  // What python-proxyprotocol and HAProxy compute, too: CRC-32C over the header with zeros in its place.
  { what: 'v2 with a checksum', header: withChecksum(v2('2111', `${V4} 03 0004 00000000`)), client: '203.0.113.7' },
];

/** An independent reckoning, bit by bit (RFC 3720 appendix B.4). */
function withChecksum(header: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of header) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  const sealed = Buffer.from(header);
  sealed.writeUInt32BE((crc ^ 0xffffffff) >>> 0, header.length - 4);
  return sealed;
}

describe('a peer that never says which client it speaks for', () => {
  it.each(['explicit', 'transparent'])('counts for limits.tunnels from accept on, at the %s door', async (door) => {
    const behind = ['proxy_protocol: [loopback]'];
    const full = await startSallyport(
      configText({ explicit: behind, transparent: behind, more: 'limits: { tunnels: 2 }' }),
    );
    const silent = await openClient(full.port(door));
    const halfway = await openClient(full.port(door));
    halfway.socket.write('PROXY TCP4 203.0');
    await expect.poll(() => tunnelsHeld(full), { timeout: 20_000 }).toBe(2);
    const refused = await openClient(full.port(door));
    await refused.ended();
    expect(await full.tunnel({ reason: 'overload' })).toMatchObject({ outcome: 'refused', listener: door });
    // Those that leave give their places back.
    halfway.socket.end();
    await full.tunnel({ reason: 'proxy_protocol' });
    const next = await openClient(full.port(door));
    next.socket.end('PROXY TCP4 203.0.113.7 192.0.2.1 4660 443\r\nCONNECT ');
    expect((await full.tunnel({ client: '203.0.113.7' }))['reason']).not.toBe('overload');
    for (const client of [silent, halfway, refused, next]) client.socket.destroy();
    await full.stop();
  });

  async function tunnelsHeld(running: Running): Promise<number | undefined> {
    const reply = await fetch(`http://127.0.0.1:${running.port('admin')}/api/status`);
    const { limits } = (await reply.json()) as { limits: { name: string; used: number }[] }; // So it is documented.
    return limits.find(({ name }) => name === 'tunnels')?.used;
  }
});

describe('a PROXY header', () => {
  it.each(introduced)('$what says who the client is, to policy and log, at both doors', async ({ header, client }) => {
    const before = proxy.lines.length;
    const explicit = await openClient(proxy.port('explicit'));
    explicit.socket.write(Buffer.concat([header, Buffer.from(`${connect(`127.0.0.1:${echo.port}`)}early`)]));
    expect((await explicit.hears('early')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    explicit.socket.end();
    await explicit.ended();
    const line = await proxy.line({ msg: 'tunnel', listener: 'explicit', outcome: 'ok' }, before);
    expect(line).toMatchObject({ client, client_port: 4660, rule: 'known', bytes_up: 5 });

    const transparent = await openClient(proxy.port('transparent'));
    const hello = helloFor('origin.test');
    // Split anywhere: in the header, at its end, in what comes behind.
    for (const byte of Buffer.concat([header, hello])) {
      transparent.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await transparent.hears(hello.length)).toEqual(hello);
    transparent.socket.end();
    await proxy.line({ msg: 'tunnel', listener: 'transparent', client, outcome: 'ok' }, before);
  });

  it('of no address is judged by the policy, and taken for no client that has left', async () => {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('explicit'), `PROXY TCP6 :: :: 0 0\r\n${connect(`127.0.0.1:${echo.port}`)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    await proxy.line({ msg: 'tunnel', client: '::', reason: 'policy' }, before);
  });

  it.each([
    { what: 'v1 UNKNOWN', header: Buffer.from('PROXY UNKNOWN\r\n') },
    { what: 'v1 UNKNOWN with addresses', header: Buffer.from('PROXY UNKNOWN 203.0.113.7 192.0.2.1 1 2\r\n') },
    { what: 'v2 LOCAL', header: v2('2000', '') },
    { what: 'v2 LOCAL with addresses', header: v2('2011', V4) },
    { what: 'v2 of a UNIX socket', header: v2('2131', '00'.repeat(216)) },
    { what: 'v2 of UDP', header: v2('2112', V4) },
  ])('$what keeps the address of the connection', async ({ header }) => {
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(Buffer.concat([header, Buffer.from(connect(`near.test:${echo.port}`))]));
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.end();
    await proxy.line({ msg: 'tunnel', client: '127.0.0.1', rule: 'near', outcome: 'ok' }, before);
  });

  it.each([
    { what: 'none', header: connect('near.test:443') },
    { what: 'half a line', header: 'PROXY TCP4 203.0.113.7' },
    { what: 'a line without an end', header: `PROXY TCP4 ${'1'.repeat(200)}` },
    { what: 'a name for an address', header: 'PROXY TCP4 localhost 192.0.2.1 1 2\r\n' },
    { what: 'another family', header: 'PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n' },
    { what: 'an octal address', header: 'PROXY TCP4 0203.0.113.7 192.0.2.1 1 2\r\n' },
    { what: 'a port too large', header: 'PROXY TCP4 203.0.113.7 192.0.2.1 65536 2\r\n' },
    { what: 'a port with a zero ahead', header: 'PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n' },
    { what: 'more than there may be', header: 'PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n' },
    { what: 'two spaces', header: 'PROXY TCP4  203.0.113.7 192.0.2.1 1 2\r\n' },
    { what: 'lower case', header: 'proxy TCP4 203.0.113.7 192.0.2.1 1 2\r\n' },
    { what: 'another protocol', header: 'PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n' },
    { what: 'a version 3', header: v2('3111', V4) },
    { what: 'an unknown command', header: v2('2211', V4) },
    { what: 'datagrams with too few addresses', header: v2('2112', 'cb007107 c0000201 1234') },
    { what: 'an unknown family', header: v2('2141', V4) },
    { what: 'TCP over no family', header: v2('2101', '00000000') },
    { what: 'too few addresses', header: v2('2111', 'cb007107 c0000201 1234') },
    { what: 'a value that does not fit', header: v2('2111', `${V4} 04 0009 00`) },
    { what: 'half a value', header: v2('2111', `${V4} 04 00`) },
    { what: 'a wrong checksum', header: v2('2111', `${V4} 03 0004 deadbeef`) },
    { what: 'two checksums', header: v2('2111', `${V4} 03 0004 00000000 03 0004 00000000`) },
    { what: 'a checksum too short', header: v2('2111', `${V4} 03 0002 0000`) },
    { what: 'an endless one', header: Buffer.concat([hex(`${SIGNATURE}2111ffff`), Buffer.alloc(20_000)]) },
  ])('$what is closed without a word', async ({ header }) => {
    const before = proxy.lines.length;
    const bytes = typeof header === 'string' ? Buffer.from(header) : header;
    expect(await ask(proxy.port('explicit'), bytes)).toBe('');
    const line = await proxy.line({ msg: 'tunnel', reason: 'proxy_protocol' }, before);
    expect(line).toMatchObject({ client: '127.0.0.1', outcome: 'refused' });
    expect(line['status']).toBeUndefined();
  });

  it.each(['explicit', 'transparent'])(
    'of a peer that has left before it is accepted is not refused, at the %s door',
    async (door) => {
      const from = proxy.lines.length;
      await suspend(proxy.process);
      const { socket } = await openClient(proxy.port(door));
      const opening = door === 'explicit' ? connect('origin.test:443') : helloFor('origin.test');
      const words = Buffer.concat([v2('2111', V4), Buffer.from(opening)]);
      await new Promise((resolve) => socket.write(words, resolve));
      socket.resetAndDestroy();
      await once(socket, 'close');
      proxy.process.kill('SIGCONT');
      const { outcome, reason } = await proxy.line({ msg: 'tunnel', listener: door }, from);
      // An engine that knows its address may have dialled before it notices.
      expect(outcome, String(reason)).not.toBe('refused');
    },
  );

  it('is held to its deadline, and to the peers that may send it', async () => {
    const before = proxy.lines.length;
    expect(await ask(proxy.port('transparent'), 'PROXY TCP4 203')).toBe('');
    expect(await proxy.line({ reason: 'proxy_protocol', listener: 'transparent' }, before)).toMatchObject({
      detail: 'The PROXY header was not complete in time.',
    });
    const from = await startSallyport(configText({ explicit: ['proxy_protocol: ["192.0.2.0/24"]'] }));
    expect(await ask(from.port('explicit'), introduced[0]?.header ?? '')).toBe('');
    expect((await from.tunnel({ reason: 'proxy_protocol' }))['detail']).toMatch(/127\.0\.0\.1 is not one of the peers/);
    expect(await from.metric('refused_total{listener="explicit",reason="proxy_protocol"}')).toBe(1);
    await from.stop();
  });

  it('limits the real client, not the balancer', async () => {
    const open = async (last: number): Promise<string> => {
      const client = await openClient(proxy.port('explicit'));
      const header = `PROXY TCP4 203.0.113.${last} 192.0.2.1 4660 443\r\n`;
      client.socket.write(`${header}${connect(`127.0.0.1:${echo.port}`)}`);
      const heard = (await client.hears('\r\n\r\n')).toString();
      clients.push(client);
      return heard.slice(9, 12);
    };
    const clients: Awaited<ReturnType<typeof openClient>>[] = [];
    expect([await open(50), await open(50), await open(51), await open(50)]).toEqual(['200', '200', '200', '429']);
    for (const { socket } of clients) socket.destroy();
  });

  it('comes ahead of TLS, and goes on to a next hop', async () => {
    const certificates = makeCertificates(['localhost']);
    const secure = await startSallyport(
      configText({
        policy,
        explicit: ['proxy_protocol: [loopback]', 'tls: { cert: cert.pem, key: key.pem }'],
        more: 'egress: [{ name: told, type: direct, proxy_protocol: v1 }]\ndefault_egress: told',
      }),
      { files: { 'cert.pem': certificates.cert, 'key.pem': certificates.key } },
    );
    const client = await openClient(secure.port('explicit'));
    const header = 'PROXY TCP4 203.0.113.7 192.0.2.1 4660 443\r\n';
    client.socket.write(header);
    client.socket.removeAllListeners('data');
    const tls = connectTls({ socket: client.socket, servername: 'localhost', rejectUnauthorized: false });
    await once(tls, 'secureConnect');
    tls.write(connect(`127.0.0.1:${echo.port}`));
    let heard = '';
    tls.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    await expect.poll(() => heard).toContain(header);
    tls.destroy();
    expect(await secure.tunnel({ outcome: 'ok' })).toMatchObject({ client: '203.0.113.7' });
    const bad = await openClient(secure.port('explicit'));
    bad.socket.write(connect('a.test:443'));
    await bad.ended();
    await secure.tunnel({ reason: 'proxy_protocol' });
    await secure.stop();
  });
});

describe.each([
  { name: 'HAProxy', version: 'v1', send: 'send-proxy' },
  { name: 'HAProxy', version: 'v2', send: 'send-proxy-v2 proxy-v2-options crc32c,unique-id' },
])('behind $name, $version', ({ send }) => {
  const isThere = isInstalled('haproxy');
  it.skipIf(!isThere)('the client is the one that the balancer saw', async () => {
    const balancer = await startProxy(({ folder, port }) => ({
      program: 'haproxy',
      args: ['-db', '-f', `${folder}/haproxy.cfg`],
      files: {
        'haproxy.cfg': `defaults
  mode tcp
  timeout connect 10s
  timeout client 1m
  timeout server 1m
frontend in
  bind 127.0.0.1:${port}
  tcp-request connection set-src str(203.0.113.9)
  default_backend doors
backend doors
  server door 127.0.0.1:${proxy.port('explicit')} ${send}
`,
      },
    }));
    const before = proxy.lines.length;
    const client = await openClient(balancer.port);
    client.socket.write(connect(`127.0.0.1:${echo.port}`));
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.end();
    expect(await proxy.line({ msg: 'tunnel', client: '203.0.113.9' }, before)).toMatchObject({ rule: 'known' });
    await balancer.stop();
  });
});

describe('behind nginx', () => {
  const isThere = isInstalled('nginx');
  it.skipIf(!isThere)('stream with proxy_protocol on', async () => {
    const balancer = await startProxy(({ folder, port }) => ({
      program: 'nginx',
      args: ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', '/dev/null', '-g', 'daemon off;'],
      files: {
        'nginx.conf': `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
pid ${folder}/nginx.pid;
error_log /dev/null;
worker_processes 1;
events {}
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${proxy.port('explicit')}; proxy_protocol on; } }
`,
      },
    }));
    const before = proxy.lines.length;
    const client = await openClient(balancer.port);
    client.socket.write(connect(`near.test:${echo.port}`));
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    const port = client.socket.localPort;
    client.socket.end();
    await proxy.line({ msg: 'tunnel', client: '127.0.0.1', client_port: port }, before);
    await balancer.stop();
  });
});

describe('dual_stack', () => {
  it('takes IPv4 at an IPv6 bind, seen as IPv4 by policy, log and loop check; without it IPv6 alone', async () => {
    const port = await freePort();
    const config = (isDual: boolean): string =>
      configText({
        policy: `policy:
  rules: [{ name: four, action: allow, clients: ["127.0.0.0/8"] }]
  destinations: { allow: [loopback] }`,
      }).replace('bind: "127.0.0.1:0"', `bind: "[::]:${port}"\n    dual_stack: ${isDual}`);
    const dual = await startSallyport(config(true));
    const client = await openClient(port, '127.0.0.1');
    client.socket.write(connect(`127.0.0.1:${echo.port}`));
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.end();
    expect(await dual.tunnel({ outcome: 'ok' })).toMatchObject({ client: '127.0.0.1', rule: 'four' });
    const loop = await openClient(port, '127.0.0.1');
    loop.socket.write(connect(`127.0.0.1:${port}`));
    await loop.ended();
    await dual.tunnel({ reason: 'loop' });
    const six = await openClient(port, '::1');
    six.socket.write(connect('a.test:443'));
    await six.ended();
    await dual.tunnel({ reason: 'policy', client: '::1' });
    await dual.stop();

    const single = await startSallyport(config(false));
    await expect(openClient(port, '127.0.0.1')).rejects.toThrow(/ECONNREFUSED/);
    await single.stop();
  });
});
