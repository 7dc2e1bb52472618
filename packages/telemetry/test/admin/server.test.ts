import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AdminListenError } from '../../src/admin/listen-error.ts';
import type { AdminReply } from '../../src/admin/routes.ts';
import { type AdminOptions, type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { createMetrics } from '../../src/metrics.ts';

const opened: AdminServer[] = [];
const logged: unknown[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
  logged.length = 0;
});

async function start(options: Partial<AdminOptions> = {}): Promise<AdminServer> {
  const server = await startAdminServer({
    bind: { host: '127.0.0.1', port: 0 },
    metrics: createMetrics({ version: '1.2.3', engine: 'portable', binary: 'none' }),
    readiness: () => true,
    log: { error: (fields: unknown) => void logged.push(fields) },
    ...options,
  });
  opened.push(server);
  return server;
}

interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly accept?: string;
}

function portOf(address: AdminServer['address']): number {
  return 'port' in address ? address.port : 0;
}

async function ask({ address }: AdminServer, path: string, { method = 'GET', host, accept }: Asked = {}) {
  const headers = { ...(host !== undefined && { Host: host }), ...(accept !== undefined && { Accept: accept }) };
  const asked = request({ host: '127.0.0.1', port: portOf(address), path, method, headers, agent: false }).end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** A connection on which `bytes` were sent, and nothing more will be. */
async function stall({ address }: AdminServer, bytes: string): Promise<Socket> {
  const socket = connect(portOf(address), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

describe('the admin server', () => {
  it('serves the metrics in the Prometheus text format', async () => {
    const { status, headers, body } = await ask(await start(), '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toContain('sallyport_draining 0\n');
  });

  it('serves them in OpenMetrics to whoever asks for that', async () => {
    const accept = 'application/openmetrics-text; version=1.0.0, text/plain;q=0.5';
    const { headers, body } = await ask(await start(), '/metrics', { accept });
    expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(body).toContain('# TYPE sallyport_dns_cache counter\nsallyport_dns_cache_total{result="hit"} 0\n');
    expect(body.endsWith('\n# EOF\n')).toBe(true);
  });

  it('is healthy while it lives, and ready only when told so', async () => {
    let isReady = false;
    const server = await start({ readiness: () => isReady });
    expect((await ask(server, '/healthz')).status).toBe(200);
    expect((await ask(server, '/readyz')).status).toBe(503);
    isReady = true;
    expect((await ask(server, '/readyz')).status).toBe(200);
  });

  it.each(['/metrics', '/healthz', '/readyz'])('answers HEAD %s without a body', async (path) => {
    const { status, headers, body } = await ask(await start(), path, { method: 'HEAD' });
    expect(status).toBe(200);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(body).toBe('');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])(
    'answers %s with 405 and the methods that are right',
    async (method) => {
      const { status, headers } = await ask(await start(), '/metrics', { method });
      expect(status).toBe(405);
      expect(headers.allow).toBe('GET, HEAD');
    },
  );

  it('says to a client that takes it for a proxy where to go', async () => {
    const client = await stall(await start(), 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n');
    const answer = await text(client);
    expect(answer).toMatch(
      /^HTTP\/1\.1 405 Method Not Allowed \(this is the admin server; a CONNECT goes to [^)]*\)\r\n/,
    );
    expect(answer).toContain('\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\nthis is the admin server');
  });

  it.each([
    '/nothing',
    '/metrics/',
    '//',
    '/healthz%2f',
    '//other/healthz',
    '/x/../healthz',
    '/./healthz',
    '/\\healthz',
  ])('knows no page %s', async (path) => {
    expect((await ask(await start(), path)).status).toBe(404);
  });

  it('takes more routes, with a query and an open segment', async () => {
    const server = await start({
      routes: [
        {
          method: 'DELETE',
          path: '/api/tunnels/*',
          answer: ({ segment, query }) => ({ status: 200, body: `${segment} ${query.get('why') ?? ''}` }),
        },
      ],
    });
    expect((await ask(server, '/api/tunnels/a-1?why=test', { method: 'DELETE' })).body).toBe('a-1 test');
    expect((await ask(server, '/api/tunnels/a-1')).headers.allow).toBe('DELETE');
    expect((await ask(server, '/api/tunnels/', { method: 'DELETE' })).status).toBe(404);
    expect((await ask(server, '/api/tunnels/a/b', { method: 'DELETE' })).status).toBe(404);
  });

  it('turns a page that fails into a 500 that tells the client nothing and the log everything', async () => {
    const failing = () => {
      throw new Error('secret detail');
    };
    const server = await start({ routes: [{ method: 'GET', path: '/broken', answer: failing }] });
    const { status, body } = await ask(server, '/broken');
    expect(status).toBe(500);
    expect(body).not.toContain('secret');
    expect(logged).toMatchObject([{ path: '/broken', err: { message: 'secret detail' } }]);
  });
});

describe('a browser page that had its own name resolve to 127.0.0.1', () => {
  it.each([
    ...['evil.example', 'evil.example:9128', 'localhost.evil.example', '127.0.0.1.evil.example', 'a b'],
    // No IP literals, and no hosts, whatever a URL parser makes of them.
    ...['127.1', '2130706433', '0x7f.1', 'a@127.0.0.1', 'user:word@localhost', '::1', '[127.0.0.1]', '127.0.0.1/x'],
  ])('gets 421 for Host: %s', async (host) => {
    expect((await ask(await start(), '/metrics', { host })).status).toBe(421);
  });

  it.each([
    'localhost',
    'LOCALHOST',
    'localhost:9128',
    '127.0.0.1:9128',
    '[::1]:9128',
    '[::1]',
    '10.0.0.1',
    '127.0.0.1:',
  ])('is not who says Host: %s', async (host) => {
    expect((await ask(await start(), '/healthz', { host })).status).toBe(200);
  });

  it.each([
    { target: 'http://evil.example/metrics', host: 'localhost', status: 421 },
    { target: 'http://localhost/metrics', host: 'evil.example', status: 200 },
  ])('is judged by the host of $target, and not by Host: $host (RFC 9112 §3.2.2)', async ({ target, host, status }) => {
    expect((await ask(await start(), target, { host })).status).toBe(status);
  });

  it('is no worry where the server is bound elsewhere, and scraped by a name', async () => {
    const server = await start({ bind: { host: '0.0.0.0', port: 0 } });
    expect((await ask(server, '/healthz', { host: 'sallyport.monitoring.svc' })).status).toBe(200);
  });
});

describe('a request with two Host fields', () => {
  it.each(['127.0.0.1', '0.0.0.0'])('gets 400 (RFC 9112 §3.2), bound to %s', async (bound) => {
    const server = await start({ bind: { host: bound, port: 0 } });
    const hosts = 'Host: localhost\r\nHost: localhost\r\n';
    const socket = await stall(server, `GET /metrics HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a client that stalls', () => {
  it.each([
    { when: 'before it has said a word', bytes: '' },
    { when: 'within its headers', bytes: 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ' },
  ])('is disconnected $when', async ({ bytes }) => {
    const socket = await stall(await start(), bytes);
    socket.resume();
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });

  it('does not hold up another', async () => {
    const server = await start();
    const slow = await stall(server, 'GET /metrics HTTP/1.1\r\n');
    expect((await ask(server, '/healthz')).status).toBe(200);
    slow.destroy();
  });

  it('does not get to send a head without end', async () => {
    const socket = await stall(await start(), `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(9_000)}`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });
});

/** So many connections that say nothing, all of them open. */
async function crowd(server: AdminServer, bytes: string, count = 64): Promise<readonly Socket[]> {
  return Promise.all(Array.from({ length: count }, () => stall(server, bytes)));
}

describe('clients that take every place', () => {
  it.each([
    { how: 'silent', bytes: '' },
    { how: 'in the middle of a head', bytes: 'GET / HTTP/1.1\r\n' },
    { how: 'idle behind an answer', bytes: 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' },
  ])('give way to a probe, the longest unused first, when $how', async ({ bytes }) => {
    const server = await start();
    const [first, ...others] = await crowd(server, bytes);
    const gone = first && once(first.resume(), 'close');
    expect((await ask(server, '/healthz')).status).toBe(200);
    await gone;
    expect(others.filter(({ destroyed }) => destroyed)).toEqual([]);
    others.forEach((socket) => socket.destroy());
  });
});

describe('requests behind one another on one connection', () => {
  const scrape = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

  it('are answered one at a time, in their order', async () => {
    let [atOnce, most] = [0, 0];
    const answerSlowly = async () => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return { status: 200, body: 'slow\n' };
    };
    const server = await start({ routes: [{ method: 'GET', path: '/slow', answer: answerSlowly }] });
    const slow = 'GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answers = await text(await stall(server, slow.repeat(3) + last));
    expect(answers.match(/^(slow|alive)$/gm)).toEqual(['slow', 'slow', 'slow', 'alive']);
    expect(most).toBe(1);
  });

  it('are looked at a few at a time, however many come in one piece', async () => {
    let [asked, parsed] = [0, 0];
    const route = { method: 'GET', path: '/count', answer: () => ({ status: 200, body: `${(asked += 1)}` }) } as const;
    const server = await start({ routes: [route] });
    const countParsed = (): void => void (parsed += 1);
    subscribe('http.server.request.start', countParsed);
    const socket = await stall(server, 'GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1500));
    await once(socket.resume(), 'close');
    unsubscribe('http.server.request.start', countParsed);
    expect(asked).toBeLessThan(10);
    expect(parsed).toBeGreaterThan(0);
    expect(parsed).toBeLessThan(100);
  });

  it('end their connection when they are more than a few', async () => {
    let scrapes = 0;
    const metrics = { contentType: 'text/plain', scrape: () => Promise.resolve(`${(scrapes += 1)}`) };
    const socket = await stall(await start({ metrics }), scrape.repeat(1_000));
    socket.resume();
    await once(socket, 'close');
    expect(scrapes).toBeLessThanOrEqual(2);
  });
});

describe('a connection that is kept for one request after the other', () => {
  it('keeps nothing of those that were answered', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    const socket = await stall(await start(), 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    for (let answered = 1; answered < 30; answered += 1) {
      await once(socket, 'data');
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    }
    await once(socket, 'data');
    socket.destroy();
    process.off('warning', note);
    // Of a listener for each request, for example.
    expect(warnings).toEqual([]);
  });
});

describe('closing the admin server', () => {
  it('cuts requests under way and kept-alive connections at once', async () => {
    const server = await start({
      routes: [{ method: 'GET', path: '/never', answer: () => new Promise(() => undefined) }],
    });
    const pending = await stall(server, 'GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const keptAlive = await stall(server, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(keptAlive, 'data');
    const closed = [pending.resume(), keptAlive.resume()].map((socket) => once(socket, 'close'));

    const before = performance.now();
    await server.close();
    await Promise.all(closed);
    // Left alone, one would end after 5 s, when it has been idle for long, and the other after 10 s.
    expect(performance.now() - before).toBeLessThan(4_500);
  });
});

describe('leaving the address of the admin server to another', () => {
  const PING = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

  it('answers those that are connected, and ends connections that are idle between two requests', async () => {
    const answers: (() => void)[] = [];
    const slow = (): Promise<AdminReply> =>
      new Promise((resolve) => answers.push(() => resolve({ status: 200, body: 'slow\n' })));
    const server = await start({ routes: [{ method: 'GET', path: '/slow', answer: slow }] });
    const idle = await stall(server, PING);
    await once(idle, 'data');
    const silent = await stall(server, '');
    const asking = await stall(server, 'GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await vi.waitFor(() => expect(answers).toHaveLength(1));

    const left = server.leave();
    await once(idle.resume(), 'close');
    silent.write(PING);
    answers.forEach((answer) => answer());
    const replies = await Promise.all([text(silent), text(asking)]);
    expect(replies).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s),
      expect.stringContaining('slow\n'),
    ]);
    await left;
    await expect(stall(server, '')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits for nobody who asks for nothing', async () => {
    const server = await start();
    const silent = await stall(server, '');
    const closed = once(silent.resume(), 'close');
    await server.leave();
    await closed;
  });
});

describe('an address that cannot be had', () => {
  it('is in use when another server has it', async () => {
    const { address } = await start();
    const second = start({ bind: address });
    await expect(second).rejects.toBeInstanceOf(AdminListenError);
    await expect(second).rejects.toMatchObject({ kind: 'in-use', bind: address });
  });

  it('is no address of this machine', async () => {
    await expect(start({ bind: { host: '192.0.2.1', port: 0 } })).rejects.toMatchObject({ kind: 'no-such-address' });
  });
});
