/** What a reload changes beyond the rules: listeners, the admin server, the log. All of it, or nothing. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { testedRuntime } from './harness/config-text.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin } from './harness/peers.ts';
import { freePort } from './harness/ports.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { suspend } from './harness/suspend.ts';

let proxy: Running;
let echo: Origin;
afterEach(async () => {
  await proxy.stop();
  echo.close();
});

interface File {
  readonly listeners: Readonly<Record<string, string>>;
  readonly admin?: string;
  readonly log?: string;
  readonly runtime?: string;
  readonly action?: 'allow' | 'deny';
}

const doors = (listeners: File['listeners']): string =>
  Object.entries(listeners)
    .map(([name, rest]) => `  - { name: ${name}, ${rest} }\n`)
    .join('');

function fileText({ listeners, admin = '127.0.0.1:0', log = '{}', runtime = '', action = 'allow' }: File): string {
  return `listeners:
${doors(listeners)}admin: { bind: "${admin}" }
log: ${log}
runtime: ${runtime || testedRuntime()}
policy:
  default: ${action}
  destinations: { allow: [loopback] }
`;
}

async function start(file: File, files: Readonly<Record<string, string>> = {}): Promise<void> {
  echo = await echoOrigin();
  proxy = await startSallyport(fileText(file), { files });
}

const connect = (bind: string, more = ''): string => `mode: connect, bind: "${bind}"${more}`;

async function echoes(port: number): Promise<void> {
  const tunnel = await openTunnel(port, `127.0.0.1:${echo.port}`);
  tunnel.socket.write('heard?');
  await tunnel.hears('heard?');
  tunnel.socket.destroy();
}

describe('a reload', () => {
  it('opens listeners, and closes others with their tunnels going on', async () => {
    await start({ listeners: { one: connect('127.0.0.1:0'), two: connect('127.0.0.1:0') } });
    const live = await openTunnel(proxy.port('two'), `127.0.0.1:${echo.port}`);
    const kept = proxy.port('one');
    const result = await proxy.reload(
      fileText({ listeners: { one: connect('127.0.0.1:0'), three: connect('127.0.0.1:0') } }),
    );
    expect(result).toMatchObject({ msg: 'reloaded' });
    expect(proxy.port('one')).toBe(kept);
    await echoes(kept);
    await echoes(proxy.port('three'));
    await expect(openClient(proxy.port('two'))).rejects.toThrow(/ECONNREFUSED/);
    live.socket.write('still here');
    await live.hears('still here');
    live.socket.end();
    await proxy.tunnel({ listener: 'two', outcome: 'ok' });
  });

  it('of a file that has become a pipe waits for no writer: clients are served, and the log says why', async () => {
    await start({ listeners: { one: connect('127.0.0.1:0') } });
    rmSync(proxy.configFile);
    execFileSync('mkfifo', [proxy.configFile]);
    proxy.process.kill('SIGHUP');
    const { problems } = await proxy.line({ msg: 'reload failed' });
    expect(problems).toEqual([expect.stringContaining('is a pipe, which can be read only once')]);
    await echoes(proxy.port('one'));
  });

  it('has another listener, mode or TLS at an address that stays open', async () => {
    const bind = `127.0.0.1:${await freePort()}`;
    await start({ listeners: { one: connect(bind) } });
    const port = proxy.port('one');
    const before = proxy.lines.length;
    expect(await proxy.reload(fileText({ listeners: { two: `mode: sni, bind: "${bind}"` } }))).toMatchObject({
      msg: 'reloaded',
    });
    expect(await ask(port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
    await proxy.tunnel({ listener: 'two' });
    expect(proxy.lines.slice(before).map(({ msg }) => msg)).not.toContain('listening');
  });

  it('widens the address of a listener at its own port', async () => {
    const port = await freePort();
    await start({ listeners: { one: connect(`127.0.0.1:${port}`) } });
    const live = await openTunnel(port, `127.0.0.1:${echo.port}`);
    expect(await proxy.reload(fileText({ listeners: { one: connect(`0.0.0.0:${port}`) } }))).toMatchObject({
      msg: 'reloaded',
    });
    const client = await openClient(port, '127.0.0.2');
    client.socket.write('nonsense\r\n\r\n');
    expect((await client.ended()).bytes.toString()).toMatch(/^HTTP\/1\.1 400 /);
    live.socket.write('still here');
    await live.hears('still here');
    live.socket.destroy();
  });

  it('moves the admin server and the log', async () => {
    const listeners = { one: connect('127.0.0.1:0') };
    await start({ listeners });
    const before = proxy.port('admin');
    const admin = `127.0.0.1:${await freePort()}`;
    const file = join(proxy.folder, 'moved.log');
    const log = `{ file: "${file}", format: pretty }`;
    writeFileSync(proxy.configFile, fileText({ listeners, admin, log }));
    proxy.process.kill('SIGHUP');
    await expect.poll(() => textOf(file), { timeout: 30_000 }).toMatch(/info {3}reloaded\n/);
    expect((await fetch(`http://${admin}/readyz`)).status).toBe(200);
    await expect(openClient(before)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('exchanges the ports of the admin server and of a listener, and widens both', async () => {
    const [a, b] = [await freePort(), await freePort()];
    await start({ listeners: { one: connect(`127.0.0.1:${a}`) }, admin: `127.0.0.1:${b}` });
    const live = await openTunnel(a, `127.0.0.1:${echo.port}`);
    const exchanged = { listeners: { one: connect(`127.0.0.1:${b}`) }, admin: `127.0.0.1:${a}` };
    const wide = { listeners: { one: connect(`0.0.0.0:${a}`) }, admin: `0.0.0.0:${b}` };
    for (const [file, door, admin] of [
      [exchanged, b, a],
      [wide, a, b],
    ] as const) {
      expect(await proxy.reload(fileText(file))).toMatchObject({ msg: 'reloaded' });
      await echoes(door);
      expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200);
    }
    live.socket.write('still here');
    await live.hears('still here');
    live.socket.destroy();
  });

  it('exchanges the ports of two listeners', async () => {
    const [a, b] = [await freePort(), await freePort()];
    const sni = (port: number): string => `mode: sni, bind: "127.0.0.1:${port}"`;
    await start({ listeners: { one: connect(`127.0.0.1:${a}`), two: sni(b) } });
    const exchanged = { one: connect(`127.0.0.1:${b}`), two: sni(a) };
    expect(await proxy.reload(fileText({ listeners: exchanged }))).toMatchObject({ msg: 'reloaded' });
    await echoes(b);
    expect(await ask(a, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
    await proxy.tunnel({ listener: 'two' });
  });

  it('serves clients that were queued at a listener that it removes', async () => {
    const listeners = { one: connect('127.0.0.1:0') };
    await start({ listeners: { ...listeners, two: connect('127.0.0.1:0') } });
    await suspend(proxy.process);
    const request = `CONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\n\r\nheard?`;
    const queued = await Promise.all(Array.from({ length: 50 }, () => openClient(proxy.port('two'))));
    for (const { socket } of queued) socket.write(request);
    const reloaded = proxy.reload(fileText({ listeners }));
    proxy.process.kill('SIGCONT');
    expect(await reloaded).toMatchObject({ msg: 'reloaded' });
    await Promise.all(queued.map((client) => client.hears('heard?')));
    for (const { socket } of queued) socket.destroy();
    await expect(openClient(proxy.port('two'))).rejects.toThrow(/ECONNREFUSED/);
  });

  it('ends a connection of plain HTTP whose listener is no more at its next request, and gives its place back', async () => {
    const alone = ', limits: { tunnels: 1 }';
    const gone = connect('127.0.0.1:0', `, http: forward${alone}`);
    await start({ listeners: { one: connect('127.0.0.1:0'), two: gone } });
    const origin = createHttpServer((_request, response) => response.end('answered')).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const client = await openClient(proxy.port('two'));
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${portOf(origin)}\r\n\r\n`;
    client.socket.write(request.replace('/', `http://127.0.0.1:${portOf(origin)}/`));
    await client.hears('answered');
    await proxy.reload(fileText({ listeners: { one: connect('127.0.0.1:0') } }));
    client.socket.write(request);
    expect((await client.ended()).bytes.toString().match(/answered/g)).toHaveLength(1);
    origin.close();
    await proxy.reload(fileText({ listeners: { one: connect('127.0.0.1:0'), two: gone } }));
    const again = proxy.lines.findLast(({ msg, listener }) => msg === 'listening' && listener === 'two');
    await echoes(Number(String(again?.['address']).split(':').at(-1)));
    client.socket.destroy();
  });
});

describe('a reload that cannot be whole', () => {
  it('changes nothing where a port is taken, and says where that is written', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = portOf(taken);
    const listeners = { one: connect('127.0.0.1:0') };
    await start({ listeners });
    const admin = proxy.port('admin');
    const free = await freePort();
    const line = await proxy.reload(
      fileText({
        listeners: { two: connect(`127.0.0.1:${free}`), three: connect(`127.0.0.1:${port}`) },
        admin: `127.0.0.1:${await freePort()}`,
        action: 'deny',
      }),
    );
    taken.close();
    expect(line).toMatchObject({ msg: 'reload failed', level: 'error' });
    expect(JSON.stringify(line)).toMatch(
      /sallyport\.yaml:3:\d+: listeners\[1\]\.bind: listener three cannot listen on 127\.0\.0\.1:\d+: the port is in use/,
    );
    await echoes(proxy.port('one'));
    await expect(openClient(free)).rejects.toThrow(/ECONNREFUSED/);
    expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200);
    expect(await proxy.metric('config_reloads_total{result="failure"}')).toBe(1);
  });

  it('opens again what it had to close for a listener that then failed', async () => {
    const port = await freePort();
    await start({ listeners: { one: connect(`127.0.0.1:${port}`) } });
    const listeners = { one: connect(`0.0.0.0:${port}`), two: connect('192.0.2.1:0') };
    expect(await proxy.reload(fileText({ listeners }))).toMatchObject({ msg: 'reload failed' });
    await echoes(port);
    await expect(openClient(port, '127.0.0.2')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('has the admin server and a listener at their old ports where what comes behind their exchange fails', async () => {
    const [a, b] = [await freePort(), await freePort()];
    await start({ listeners: { one: connect(`127.0.0.1:${a}`) }, admin: `127.0.0.1:${b}` });
    const before = proxy.lines.length;
    const exchanged = { one: connect(`127.0.0.1:${b}`), two: connect('127.0.0.1:0') };
    const failures = [
      { listeners: exchanged, log: '{ file: /proc/no/such.log }' },
      { listeners: { ...exchanged, two: connect('192.0.2.1:0') } },
    ];
    for (const file of failures) {
      expect(await proxy.reload(fileText({ ...file, admin: `127.0.0.1:${a}` }))).toMatchObject({
        msg: 'reload failed',
      });
      await echoes(a);
      expect((await fetch(`http://127.0.0.1:${b}/readyz`)).status).toBe(200);
    }
    // Nobody is told of a place where nothing listens.
    expect(proxy.lines.slice(before).map(({ msg }) => msg)).not.toContain('listening');
  });

  it('changes nothing where the log cannot go', async () => {
    const listeners = { one: connect('127.0.0.1:0') };
    await start({ listeners });
    const log = '{ file: /proc/no/such.log }';
    const line = await proxy.reload(fileText({ listeners: { two: connect('127.0.0.1:0') }, log }));
    expect(JSON.stringify(line)).toMatch(/sallyport\.yaml:\d+:\d+: log\.file: log\.file cannot be opened/);
    await echoes(proxy.port('one'));
  });

  it('says when the system has too few descriptors for a limit that was raised, and only then', async () => {
    const file = (tunnels: number, action: 'allow' | 'deny'): string =>
      `${fileText({ listeners: { one: connect('127.0.0.1:0') }, action })}limits: { tunnels: ${tunnels} }\n`;
    echo = await echoOrigin();
    proxy = await startSallyport(file(10, 'allow'));
    const isTold = (): boolean => proxy.lines.some(({ msg }) => msg === 'few descriptors');
    expect(isTold()).toBe(false);
    await proxy.reload(file(2_147_483_647, 'allow'));
    await proxy.line({ msg: 'few descriptors', limit: 2_147_483_647, level: 'warn' });
    const told = proxy.lines.length;
    await proxy.reload(file(2_147_483_647, 'deny'));
    expect(proxy.lines.slice(told).map(({ msg }) => msg)).toEqual(['reloaded']);
  });

  it('names every part of runtime that stays, in one line', async () => {
    const listeners = { one: connect('127.0.0.1:0') };
    await start({ listeners });
    const runtime = testedRuntime().replace(/threads: \w+/, 'threads: 7, user: nobody');
    const line = await proxy.reload(fileText({ listeners, runtime, action: 'deny' }));
    expect(line['problems']).toEqual([
      expect.stringMatching(/runtime\.threads: runtime\.threads and runtime\.user cannot change while it runs/),
    ]);
    await echoes(proxy.port('one'));
  });
});

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Not there yet: whoever waits looks again.
  }
}
