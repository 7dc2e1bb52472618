import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { clientHello, serverName } from './harness/hello.ts';
import { ask, type Client, echoOrigin, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import {
  denialsReply,
  explainReply,
  historyReply,
  statusReply,
  tunnelsReply,
} from '../../apps/sallyport/src/admin/api.ts';

const POLICY = `policy:
  rules:
    - { name: metadata, action: deny, hosts: ["*.internal.test"] }
    - { name: trial, action: deny, hosts: ["trial.test", "trial.invalid", "ten-trial.test"], report_only: true }
    - { name: tests, action: allow, ports: ["1024-65535"] }
  destinations: { allow: [loopback] }`;

let proxy: Running;
let origin: Origin;
const clients: Client[] = [];

beforeEach(async () => {
  origin = await echoOrigin();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await proxy.stop();
  origin.close();
});

async function start(admin = '', more = ''): Promise<void> {
  const hosts = { 'trial.test': ['127.0.0.1'], 'ten.test': ['10.0.0.1'], 'ten-trial.test': ['10.0.0.1'] };
  const yaml = configText({ policy: POLICY, more, hosts, explicit: ['http: forward'] });
  proxy = await startSallyport(
    yaml.replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "127.0.0.1:0"${admin} }`),
  );
}

async function open(bytes = 0): Promise<Client> {
  const client = await openTunnel(proxy.port('explicit'), `origin.test:${origin.port}`);
  clients.push(client);
  const before = client.heard().length;
  client.socket.write(Buffer.alloc(bytes));
  await client.hears(before + bytes);
  return client;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function admin(path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: proxy.port('admin'), path, method, headers, agent: false });
    asked.on('error', reject).on('response', (response) => {
      void text(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.end();
  });
}

async function api(path: string): Promise<unknown> {
  const { status, body } = await admin(path);
  expect({ path, status, body }).toMatchObject({ status: 200 });
  const reply: unknown = JSON.parse(body);
  // Held to the very definitions that the OpenAPI document is made of: no field more, none less.
  const [page = ''] = path.split('?');
  expect(REPLIES[page]?.parse(reply) ?? reply).toEqual(reply);
  return reply;
}

const REPLIES: Readonly<Record<string, { parse(reply: unknown): unknown }>> = {
  '/api/tunnels': tunnelsReply,
  '/api/denials': denialsReply,
  '/api/explain': explainReply,
  '/api/status': statusReply,
  '/api/history': historyReply,
};

/** As long as a tunnel's bytes are under way to where they are counted. */
async function tunnels(query = ''): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const reply = (await api(`/api/tunnels${query}`)) as { tunnels: Readonly<Record<string, unknown>>[] };
  return reply.tunnels;
}

describe('GET /api/tunnels', () => {
  it('lists live tunnels, the largest first, or the oldest', async () => {
    await start();
    await open(10);
    await open(30_000);
    await open(20);
    const [largest, second, third, ...more] = await tunnels();
    expect(more).toEqual([]);
    expect(largest).toEqual({
      id: expect.stringMatching(/^[0-9a-z]+-[0-9a-z]+$/) as string,
      listener: 'explicit',
      client: '127.0.0.1',
      host: 'origin.test',
      port: origin.port,
      rule: 'tests',
      bytes_up: 30_000,
      bytes_down: 30_000,
      age_ms: expect.any(Number) as number,
    });
    expect([second?.['bytes_up'], third?.['bytes_up']]).toEqual([20, 10]);
    const oldest = await tunnels('?sort=age&limit=2');
    expect(oldest.map((tunnel) => tunnel['bytes_up'])).toEqual([10, 30_000]);
    expect((await tunnels('?sort=rate'))[0]).toMatchObject({
      bytes_up: 30_000,
      bytes_per_second: expect.any(Number) as number,
    });
    expect(await api('/api/tunnels?filter=nobody')).toEqual({ tunnels: [], live: 3, matching: 0 });
    expect(await api('/api/tunnels?filter=ORIGIN.t&limit=1&rates=true')).toMatchObject({ live: 3, matching: 3 });
  });

  it('lists a request of plain HTTP while it is relayed, and ends it', async () => {
    await start(', control: true', '');
    await proxy.reload(
      configText({ policy: POLICY, explicit: ['http: forward'] }).replace(
        '"127.0.0.1:0" }',
        '"127.0.0.1:0", control: true }',
      ),
    );
    const silent = await tcpOrigin((socket) => socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\npart')));
    const client = ask(
      proxy.port('explicit'),
      `GET http://origin.test:${silent.port}/ HTTP/1.1\r\nHost: origin.test:${silent.port}\r\n\r\n`,
    );
    await expect.poll(() => tunnels().then(([first]) => first?.['bytes_down'])).toBeGreaterThan(0);
    const [listed] = await tunnels();
    expect(listed).toMatchObject({ port: silent.port, rule: 'tests', client: '127.0.0.1' });
    expect((await admin(`/api/tunnels/${String(listed?.['id'])}`, 'DELETE')).status).toBe(204);
    await client;
    expect(await proxy.tunnel({ id: listed?.['id'] })).toMatchObject({ reason: 'admin' });
    silent.close();
  });

  it('refuses what it does not know, in one sentence', async () => {
    await start();
    const limit = 'limit must be a whole number from 1 to 1000';
    const known = 'here there are sort, limit, filter, rates';
    const wrong = [
      ['sort=size', 'sort must be bytes or age or rate'],
      ['sort=', 'sort must be bytes or age or rate'],
      ['sort=bytes&sort=age', 'sort is there twice; give it once'],
      ...['0', '1001', '-1', '1e2', 'ten', '', '%31%30%0a'].map((text) => [`limit=${text}`, limit]),
      ['limits=5', `no parameter is named "limits"; ${known}`],
      ['constructor=5', `no parameter is named "constructor"; ${known}`],
      [`filter=${'x'.repeat(256)}`, 'filter must be no longer than 255 characters'],
    ];
    for (const [query = '', why = ''] of wrong)
      expect({ query, ...(await admin(`/api/tunnels?${query}`)) }).toMatchObject({
        query,
        status: 400,
        body: `${why}\n`,
      });
    for (const path of ['status', 'history'])
      expect(await admin(`/api/${path}?a=b`)).toMatchObject({
        status: 400,
        body: 'no parameter is named "a"; here there is none\n',
      });
  });
});

describe('DELETE /api/tunnels/ID', () => {
  it('ends that tunnel and no other, once', async () => {
    await start(', control: true');
    const client = await open(5);
    const other = await open(7);
    const [, smaller] = await tunnels();
    const path = `/api/tunnels/${String(smaller?.['id'])}`;
    const reply = await admin(path, 'DELETE');
    expect(reply).toMatchObject({ status: 204, body: '' });
    expect(reply.headers).not.toHaveProperty('content-length');
    expect((await admin(path, 'DELETE')).status).toBe(404);
    expect((await client.ended()).wasReset).toBe(false);
    expect(await proxy.tunnel({ id: smaller?.['id'] })).toMatchObject({ reason: 'admin', outcome: 'ok', bytes_up: 5 });
    expect(await proxy.metric('tunnels_total{listener="explicit",outcome="ok",reason="admin"}')).toBe(1);
    other.socket.write('still here');
    await other.hears('still here');
  });

  it('ends nothing while control is off, as it is by default; a reload may turn it on', async () => {
    await start();
    await open(1);
    const [tunnel] = await tunnels();
    const path = `/api/tunnels/${String(tunnel?.['id'])}`;
    expect(await admin(path, 'DELETE')).toMatchObject({ status: 403 });
    expect((await admin('/api/tunnels/nobody', 'DELETE')).status).toBe(403);
    expect(await tunnels()).toHaveLength(1);
    await proxy.reload(configText({ policy: POLICY }).replace('"127.0.0.1:0" }', '"127.0.0.1:0", control: true }'));
    expect((await admin(path, 'DELETE')).status).toBe(204);
  });

  it('is refused to the page of another site', async () => {
    await start(', control: true');
    await open(1);
    const [tunnel] = await tunnels();
    const path = `/api/tunnels/${String(tunnel?.['id'])}`;
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'http://evil.example' },
      { Origin: 'null' },
    ] as const)
      expect((await admin(path, 'DELETE', headers as Record<string, string>)).status).toBe(403);
    expect(await tunnels()).toHaveLength(1);
  });

  it('knows its own page, programs, and no other method', async () => {
    await start(', control: true');
    const own = { Origin: `http://127.0.0.1:${proxy.port('admin')}`, Host: `127.0.0.1:${proxy.port('admin')}` };
    expect((await admin('/api/tunnels/none', 'DELETE', own)).status).toBe(404);
    expect((await admin('/api/tunnels/none', 'DELETE', { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(404);
    expect((await admin('/api/tunnels/%00', 'DELETE')).status).toBe(404);
    expect(await admin('/api/tunnels/none')).toMatchObject({ status: 405, headers: { allow: 'DELETE' } });
    expect(await admin('/api/tunnels', 'DELETE')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect((await admin('/api/tunnels', 'GET', { Host: 'evil.example' })).status).toBe(421);
  });
});

describe('GET /api/denials', () => {
  it('counts refused destinations, the most refused first, and would-be denials apart', async () => {
    await start();
    const refused = (host: string): Promise<string> =>
      ask(proxy.port('explicit'), `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await refused('a.internal.test:443');
    for (let time = 0; time < 3; time++) await refused('nope.test:443');
    await refused('ten.test:8080');
    await refused('not a target');
    const trial = await openTunnel(proxy.port('explicit'), `trial.test:${origin.port}`);
    trial.socket.destroy();
    await proxy.tunnel({ host: 'trial.test' });
    const last = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const seen = { listener: 'explicit', client: '127.0.0.1', last };
    expect(await api('/api/denials')).toEqual({
      denials: [
        { ...seen, host: 'nope.test', port: 443, rule: 'default', reason: 'policy', count: 3 },
        { ...seen, host: 'a.internal.test', port: 443, rule: 'metadata', reason: 'policy', count: 1 },
        { ...seen, host: 'ten.test', port: 8080, rule: 'tests', reason: 'address', count: 1 },
      ],
    });
    expect(await api('/api/denials?limit=1')).toMatchObject({ denials: [{ host: 'nope.test' }] });
    expect(await api('/api/denials?verdict=report')).toEqual({
      denials: [{ ...seen, host: 'trial.test', port: origin.port, rule: 'trial', reason: 'policy', count: 1 }],
    });
    expect((await admin('/api/denials?limit=x')).status).toBe(400);
  });

  it('counts as let pass by report_only what passed, and not what was refused for another reason', async () => {
    await start();
    const door = proxy.port('explicit');
    const connectTo = (authority: string) => ask(door, `CONNECT ${authority} HTTP/1.1\r\n\r\n`);
    expect(await connectTo('ten-trial.test:8080')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await connectTo('trial.test:80')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await connectTo(`trial.test:${door}`)).toMatch(/^HTTP\/1\.1 502 /);
    expect(await api('/api/denials?verdict=report')).toEqual({ denials: [] });
    expect(await connectTo('trial.invalid:8080')).toMatch(/^HTTP\/1\.1 502 /);
    expect(await ask(door, `GET http://trial.test:${origin.port}/ HTTP/1.1\r\nHost: a\r\n\r\n`)).not.toBe('');
    const passed = [
      { host: 'trial.invalid', port: 8080, rule: 'trial', reason: 'policy', count: 1 },
      { host: 'trial.test', port: origin.port, rule: 'trial', reason: 'policy', count: 1 },
    ];
    const denials = expect.arrayContaining(passed.map((each) => expect.objectContaining(each) as unknown)) as unknown;
    expect(await api('/api/denials?verdict=report')).toEqual({ denials });
  });

  it('names the destination of a hello that was refused because it is encrypted', async () => {
    proxy = await startSallyport(configText({ transparent: ['ech: deny'] }));
    const hello = clientHello(new Map([[0, serverName('origin.test')], [0xfe0d, Buffer.alloc(8)]])); // prettier-ignore
    await ask(proxy.port('transparent'), hello);
    expect(await proxy.tunnel({ reason: 'ech' })).toMatchObject({ host: 'origin.test', port: 443 });
    expect(await api('/api/denials')).toMatchObject({
      denials: [{ host: 'origin.test', port: 443, listener: 'transparent', reason: 'ech', count: 1 }],
    });
  });
});

describe('GET /api/explain', () => {
  it('says of the running proxy what explain says of a file, and what would allow it', async () => {
    await start();
    const asked = `client=127.0.0.1&port=443&listener=explicit&host=`;
    expect(await api(`/api/explain?${asked}nope.test`)).toMatchObject({
      verdict: 'deny',
      rule: 'default',
      text: expect.stringMatching(/^denied: No rule allows nope\.test:443/) as string,
      yaml: '- { action: allow, hosts: ["nope.test"], ports: [443] }',
    });
    expect(await api(`/api/explain?${asked.replace('443', '8080')}ten.test`)).toMatchObject({
      verdict: 'deny',
      yaml: 'policy.destinations.allow: [its network]',
    });
    expect(await api(`/api/explain?${asked.replace('443', '8080')}origin.test`)).toMatchObject({
      verdict: 'allow',
      rule: 'tests',
    });
    expect(await api(`/api/explain?${asked}nope.test`)).toMatchObject({
      text: expect.stringContaining('\nlistener   explicit (as asked)\n') as string,
    });
    expect(await api(`/api/explain?${asked.replace('listener=explicit&', '')}nope.test`)).toMatchObject({
      text: expect.stringContaining('\nlistener   explicit (the first one, as listener is left out)\n') as string,
    });
    expect((await admin(`/api/explain?${asked}a%20b`)).status).toBe(400);
    expect(await admin(`/api/explain?${asked}127.1`)).toMatchObject({
      status: 400,
      body: 'host must be a name or an IP address: an IP address is written in full; write 127.0.0.1\n',
    });
    expect((await admin('/api/explain?host=a')).status).toBe(400);
  });
});

describe('GET /api/status', () => {
  it('tells doors, counts, limits, and why the last reload failed', async () => {
    await start();
    await open(100);
    expect(await api('/api/status')).toMatchObject({
      state: 'ready',
      control: false,
      doors: [
        { name: 'explicit', mode: 'connect', state: 'open', tunnels: 1, set_ups: 1, bytes_up: 100, bytes_down: 100 },
        { name: 'transparent', mode: 'sni', tunnels: 0 },
      ],
      decisions: [{ rule: 'tests', decision: 'allow', count: 1 }],
      egresses: [{ name: 'direct', type: 'direct', up: true, attempts: { ok: 1 } }],
      limits: [
        { name: 'tunnels', used: 1, limit: 20_000 },
        { name: 'tunnels_per_client', used: 1, limit: 1_000 },
      ],
    });
    expect(await api('/api/history')).toMatchObject({ interval_ms: 5_000 });
    await proxy.reload('listeners: 7');
    expect(await api('/api/status')).toMatchObject({
      reload: { result: 'failure', problems: [expect.stringMatching(/:1:\d+: listeners: /) as string] },
    });
  });
});

describe('GET /', () => {
  it('is no page where admin.status_page is off', async () => {
    await start(', status_page: false');
    expect((await admin('/')).status).toBe(404);
    expect((await admin('/api/status')).status).toBe(200);
  });
});
