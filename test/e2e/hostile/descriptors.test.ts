/** Descriptors that run out, and clients that come only to go: what is up stays up, and nothing is left behind. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, it } from 'vitest';
import { startNameServer, zone } from '../../../packages/resolver/test/fake-name-server.ts';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { type Load, startLoad } from '../harness/load.ts';
import { ask, type Client, echoOrigin, openClient, openTunnel, type Origin, tcpOrigin } from '../harness/peers.ts';
import { CLOSED_PORT } from '../harness/ports.ts';
import { descriptorsOf, limitThatLeaves } from '../harness/process-facts.ts';
import { isInstalled } from '../harness/programs.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

const isNative = process.env['SALLYPORT_TEST_ENGINE'] === 'native';

const proxies: Running[] = [];
const origins: Origin[] = [];
const loads: Load[] = [];

afterEach(async () => {
  for (const load of loads.splice(0)) load.kill();
  for (const proxy of proxies.splice(0)) expect(await proxy.stop()).toBe(0);
  for (const origin of origins.splice(0)) origin.close();
});

async function start(port = 443): Promise<Running> {
  const proxy = await startSallyport(
    configText({ more: 'limits: { tunnels_per_client: 20000 }', transparent: [`port: ${port}`] }),
  );
  proxies.push(proxy);
  return proxy;
}

async function echo(): Promise<Origin> {
  const origin = await echoOrigin();
  origins.push(origin);
  return origin;
}

function load(...args: Parameters<typeof startLoad>): Load {
  const started = startLoad(...args);
  loads.push(started);
  return started;
}

/** That a tunnel carries bytes both ways. */
async function expectLive(client: Client, word: string): Promise<void> {
  const from = client.heard().length;
  client.socket.write(word);
  expect((await client.hears(from + word.length)).subarray(from).toString()).toBe(word);
}

/** Whether a newcomer gets a tunnel. */
async function isServed(port: number, authority: string): Promise<boolean> {
  const client = await openClient(port);
  client.socket.write(`CONNECT ${authority} HTTP/1.1\r\n\r\n`);
  const answer = await client.hears('\r\n\r\n').catch(async () => (await client.ended()).bytes);
  client.socket.destroy();
  return answer.toString().startsWith('HTTP/1.1 200 ');
}

describe.skipIf(!isInstalled('prlimit'))('with few descriptors', () => {
  it('turns away who comes when there are none left, keeps what is up, and recovers', async () => {
    const origin = await echo();
    const proxy = await start();
    const authority = `127.0.0.1:${origin.port}`;
    const live = await Promise.all(Array.from({ length: 5 }, () => openTunnel(proxy.port('explicit'), authority)));
    for (const tunnel of live) await expectLive(tunnel, 'before');
    const descriptorsBefore = descriptorsOf(proxy);
    // Only now: to load its own modules, Node.js opens a hundred files at once.
    const few = `--nofile=${descriptorsBefore + 20}`;
    expect(spawnSync('prlimit', ['--pid', String(proxy.process.pid), few]).status).toBe(0);

    // Each holds on to what it gets; those that get nothing wait to be closed, or for their turn.
    const crowd = await Promise.all(Array.from({ length: 150 }, () => openClient(proxy.port('explicit'))));
    for (const { socket } of crowd) socket.write(`CONNECT ${authority} HTTP/1.1\r\n\r\n`);
    await expect
      .poll(() => crowd.filter((client) => client.heard().length > 0).length, { timeout: 30_000 })
      .toBeGreaterThan(0);
    for (const tunnel of live) await expectLive(tunnel, 'during');
    for (const client of crowd) expect(client.heard().toString()).toMatch(/^(?:$|HTTP\/1\.1 (?:200|50[023]) )/);

    // libuv turns clients away without a word, but that there are no descriptors is seen within a second.
    await proxy.line({ msg: 'clients are turned away', code: 'EMFILE' });

    for (const { socket } of crowd) socket.destroy();
    await expect.poll(() => descriptorsOf(proxy), { timeout: 30_000 }).toBeLessThanOrEqual(descriptorsBefore);
    for (const tunnel of live) await expectLive(tunnel, 'after');
    // Some of the crowd may still wait to be accepted, and take a newcomer's place for a moment.
    await expect.poll(() => isServed(proxy.port('explicit'), authority), { timeout: 30_000 }).toBe(true);
    for (const { socket } of live) socket.destroy();
    expect(proxy.lines.filter(({ reason }) => reason === 'internal')).toEqual([]);
  }, 60_000);
});

// Node.js accepts and closes such clients itself, and tells nobody.
describe.skipIf(!isInstalled('prlimit') || !isNative)('a client for which no descriptor is left', () => {
  it('has a line, and is counted', async () => {
    const proxy = await start();
    const highest = Math.max(...readdirSync(`/proc/${proxy.process.pid}/fd`).map(Number));
    const limit = (nofile: number): void => {
      const { status } = spawnSync('prlimit', ['--pid', String(proxy.process.pid), `--nofile=${nofile}:`]);
      expect(status).toBe(0);
    };
    limit(highest + 1);
    const port = proxy.port('transparent');
    // The first ones take what descriptors are left below the highest one.
    const crowd = await Promise.all(Array.from({ length: highest }, () => openClient(port)));
    const line = await proxy.tunnel({ reason: 'overload' });
    expect(line).toMatchObject({ listener: 'transparent', mode: 'sni', outcome: 'refused', client: '127.0.0.1' });
    expect(line).toMatchObject({ stage: 'admit', detail: expect.stringMatching(/out of descriptors/) as string });
    const refused = crowd.find(({ socket }) => socket.localPort === line['client_port']);
    await refused?.ended();
    limit(highest + 1_000);
    for (const { socket } of crowd) socket.destroy();
    await expect.poll(() => proxy.metric('handshakes_active{listener="transparent"}'), { timeout: 30_000 }).toBe(0);
    const counted = await proxy.metric('refused_total{listener="transparent",reason="overload"}');
    await expect.poll(() => proxy.lines.filter(({ reason }) => reason === 'overload')).toHaveLength(counted ?? 0);
  });
});

describe.skipIf(!isInstalled('prlimit'))('a password', () => {
  it('is not checked while too few descriptors are left for a thread, which is no bug and takes none of them', async () => {
    const proxy = await startSallyport(configText({ explicit: ['auth: { users_file: users.htpasswd }'] }), {
      files: { 'users.htpasswd': `ann:${hashSync('right', 4)}\n` },
    });
    proxies.push(proxy);
    const credentials = Buffer.from('ann:right').toString('base64');
    const asked = `CONNECT 127.0.0.1:${CLOSED_PORT} HTTP/1.1\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`;
    const before = descriptorsOf(proxy);
    const askWith = async (left: number): Promise<string> => {
      const few = `--nofile=${before + left}:`;
      expect(spawnSync('prlimit', ['--pid', String(proxy.process.pid), few]).status).toBe(0);
      return ask(proxy.port('explicit'), asked);
    };
    for (let left = 2; left < 10; left++)
      expect(await askWith(left)).toMatch(/^HTTP\/1\.1 503 [^]*error=connection_limit_reached/);
    await expect.poll(() => descriptorsOf(proxy)).toBeLessThanOrEqual(before);
    expect(await askWith(60)).toMatch(/^HTTP\/1\.1 502 /);
    const { detail } = await proxy.tunnel({ reason: 'overload', stage: 'identify', outcome: 'refused' });
    expect(detail).toMatch(/^Sallyport is out of descriptors, threads or memory to check a password: .*EMFILE/);
    await proxy.tunnel({ reason: 'refused', user: 'ann' });
  });
});

describe.skipIf(!isInstalled('prlimit'))('a name', () => {
  it('that no descriptors are left to look up is overload, and no name server is blamed', async () => {
    const names = await startNameServer(zone({ 'host.test A': ['127.0.0.1'] }));
    const servers = `dns: { servers: ["127.0.0.1:${names.address.port}"] }`;
    const proxy = await startSallyport(configText().replace(/^dns: .*$/m, servers));
    proxies.push(proxy);
    const asked = `CONNECT host.test:${CLOSED_PORT} HTTP/1.1\r\n\r\n`;
    // One for the client, and none for a query.
    const few = `--nofile=${limitThatLeaves(1, proxy)}:`;
    expect(spawnSync('prlimit', ['--pid', String(proxy.process.pid), few]).status).toBe(0);
    expect(await ask(proxy.port('explicit'), asked)).toMatch(/^HTTP\/1\.1 503 [^]*error=connection_limit_reached/);
    expect(names.asked).toEqual([]);
    const { detail } = await proxy.tunnel({ reason: 'overload', stage: 'resolve' });
    expect(detail).toBe('host.test does not resolve: no descriptors are left to ask a name server.');
    expect(spawnSync('prlimit', ['--pid', String(proxy.process.pid), '--nofile=1000:']).status).toBe(0);
    expect(await ask(proxy.port('explicit'), asked)).toMatch(/^HTTP\/1\.1 502 /);
    await proxy.tunnel({ reason: 'refused', host: 'host.test' });
    await names.stop();
  });
});

describe.skipIf(!isInstalled('prlimit'))('a reload without descriptors for its listeners', () => {
  it('changes nothing, and says what is lacking', async () => {
    const proxy = await start();
    // It reads all its modules.
    expect(await proxy.reload(configText())).toMatchObject({ msg: 'reloaded' });
    const few = `--nofile=${descriptorsOf(proxy) + 10}:`;
    expect(spawnSync('prlimit', ['--pid', String(proxy.process.pid), few]).status).toBe(0);
    const many = Array.from(
      { length: 30 },
      (_, at) => `  - { name: more-${at}, mode: connect, bind: "127.0.0.1:0" }\n`,
    );
    const line = await proxy.reload(configText().replace('listeners:\n', `listeners:\n${many.join('')}`));
    expect(JSON.stringify(line)).toMatch(
      /listener more-\d+ cannot listen on 127\.0\.0\.1:0: no file descriptors are left; raise the limit on open files \(LimitNOFILE, ulimit -n\)"/,
    );
    const origin = await echo();
    expect(await isServed(proxy.port('explicit'), `127.0.0.1:${origin.port}`)).toBe(true);
  });
});

describe('clients that come only to go', () => {
  const request = (port: number): string => Buffer.from(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`).toString('hex');

  it.each([
    { door: 'explicit', leaves: 'fin', what: 'without a word', says: () => '' },
    { door: 'explicit', leaves: 'rst', what: 'without a word', says: () => '' },
    { door: 'explicit', leaves: 'fin', what: 'behind a whole request', says: request },
    { door: 'explicit', leaves: 'rst', what: 'behind a whole request', says: request },
    { door: 'transparent', leaves: 'fin', what: 'within a ClientHello', says: () => '160301' },
    {
      door: 'transparent',
      leaves: 'rst',
      what: 'behind a ClientHello',
      says: () => helloFor('origin.test').toString('hex'),
    },
  ])(
    'leave nothing behind: 3,500 at the $door door, $what, by $leaves',
    async ({ door, leaves, says }) => {
      const origin = await echo();
      const proxy = await start(origin.port);
      const tunnel = await openTunnel(proxy.port('explicit'), `127.0.0.1:${origin.port}`);
      await expectLive(tunnel, 'before');
      const before = descriptorsOf(proxy);
      const flood = load('flood', { port: proxy.port(door), count: 3500, leaves, says: says(origin.port) });
      expect(await flood.next(60_000)).toEqual({ gone: 3500 });
      await expectLive(tunnel, 'after');
      await expect.poll(() => proxy.metric(`handshakes_active{listener="${door}"}`), { timeout: 30_000 }).toBe(0);
      await expect.poll(() => descriptorsOf(proxy), { timeout: 30_000 }).toBeLessThanOrEqual(before);
      expect(proxy.lines.filter(({ reason }) => reason === 'internal')).toEqual([]);
      tunnel.socket.destroy();
    },
    90_000,
  );

  it('do not disturb an origin or a descriptor when they are killed in the middle of a download, ten times over', async () => {
    const block = Buffer.alloc(64 * 1024, 'x');
    const origin = await tcpOrigin((socket) => {
      const pump = (): void => {
        while (socket.write(block)) continue;
      };
      socket.on('drain', pump);
      pump();
    });
    origins.push(origin);
    const proxy = await start();
    const before = descriptorsOf(proxy);
    for (let round = 0; round < 10; round += 1) {
      const from = proxy.lines.length;
      const download = load('download', {
        port: proxy.port('explicit'),
        authority: `127.0.0.1:${origin.port}`,
      });
      await download.next();
      download.kill();
      // The kernel of a killed client answers what still comes with an RST; its FIN may be first.
      const { reason } = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, from);
      expect(['client_reset', 'client_closed']).toContain(reason);
    }
    await expect.poll(() => descriptorsOf(proxy), { timeout: 30_000 }).toBeLessThanOrEqual(before);
  }, 60_000);
});
