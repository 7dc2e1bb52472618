/** What signals do: a reload that cuts nothing, a drain that loses nothing. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { ask, echoOrigin, openClient, openTunnel, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const denyAll = 'policy: { default: deny }';
let proxy: Running;
afterEach(async () => {
  await proxy.stop();
});

const connectTo = (port: number): string => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe('SIGHUP', () => {
  it('puts a valid file into force for new connections, and cuts no tunnel', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const ports = { explicit: proxy.port('explicit'), transparent: proxy.port('transparent') };
    expect(await proxy.reload(configText({ policy: denyAll }))).toMatchObject({ msg: 'reloaded' });
    expect(await ask(ports.explicit, connectTo(echo.port))).toMatch(/^HTTP\/1\.1 403 /);
    live.socket.write('still here');
    await live.hears('still here');
    live.socket.destroy();
    echo.close();
    expect(await proxy.metric('config_reloads_total{result="success"}')).toBe(1);
    expect(await proxy.metric('config_last_reload_successful')).toBe(1);
  });

  it('tells the first hundred problems of a file that has thousands', async () => {
    proxy = await startSallyport(configText());
    const rules = '{ acton: deny }, '.repeat(1_000);
    const line = await proxy.reload(configText({ policy: `policy: { rules: [${rules}] }` }));
    expect(line['problems']).toHaveLength(101);
    expect((line['problems'] as readonly string[]).at(-1)).toBe('there are 1900 more; sallyport check tells all');
    expect(await proxy.metric('config_reloads_total{result="failure"}')).toBe(1);
  });

  it('changes nothing for an invalid file, and says where it is wrong', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const line = await proxy.reload(configText({ policy: 'policy: { defautl: deny }' }));
    expect(line).toMatchObject({ level: 'error', msg: 'reload failed' });
    expect(JSON.stringify(line)).toMatch(/sallyport\.yaml:\d+:\d+: policy.*defautl/);
    const tunnel = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    expect(tunnel.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
    tunnel.socket.destroy();
    echo.close();
    expect(await proxy.metric('config_reloads_total{result="failure"}')).toBe(1);
    expect(await proxy.metric('config_last_reload_successful')).toBe(0);
  });

  it('puts new timeouts and limits into force', async () => {
    proxy = await startSallyport(configText());
    await proxy.reload(configText({ more: 'timeouts: { handshake: 200ms }' }));
    expect(await ask(proxy.port('explicit'), 'CONNECT half')).toMatch(/^HTTP\/1\.1 408 /);
  });
});

/** Whoever rotates a file that stdout was led to must not think that it was opened again. */
const NOT_REOPENED = 'SIGUSR2 is ignored: the log goes to stdout, which cannot be opened again; set log.file';

describe('a process that still starts', () => {
  const isWatching = 'runtime: { watch: true,';
  it.each([
    { asked: 'SIGHUP', runtime: 'runtime: {', signal: 'SIGHUP', msg: 'reloaded' },
    { asked: 'SIGUSR2', runtime: 'runtime: {', signal: 'SIGUSR2', msg: NOT_REOPENED },
    { asked: 'a change of the file that it watches', runtime: isWatching, signal: undefined, msg: 'reloaded' },
  ] as const)('does what $asked asks for once it is up', async ({ runtime, signal, msg }) => {
    // A store that does not answer is waited for when the file has been read, and before the doors open.
    const store = createServer();
    store.listen(0, '127.0.0.1');
    await once(store, 'listening');
    const { port } = store.address() as AddressInfo;
    const textOf = (policy?: string): string =>
      configText({
        ...(policy !== undefined && { policy }),
        more: `limits: { store: { redis: "redis://127.0.0.1:${port}" } }`,
      }).replace('runtime: {', runtime);
    proxy = await startSallyport(textOf(), {
      onSpawned: (child, configFile) =>
        store.once('connection', (socket) => {
          socket.on('error', () => undefined);
          writeFileSync(configFile, textOf(denyAll));
          if (signal) child.kill(signal);
        }),
    });
    await proxy.line({ msg });
    if (msg === 'reloaded') expect(await ask(proxy.port('explicit'), connectTo(443))).toMatch(/^HTTP\/1\.1 403 /);
    store.close();
  });
});

describe('SIGUSR2', () => {
  it('leaves the log in the old file where the new one cannot be opened, and says why in a sentence', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-lifecycle-'));
    const file = join(folder, 'logs', 'access.log');
    mkdirSync(join(folder, 'logs'));
    proxy = await startSallyport(configText());
    writeFileSync(proxy.configFile, configText({ more: `log: { file: "${file}" }` }));
    proxy.process.kill('SIGHUP');
    await vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').includes('reloaded'), { timeout: 30_000 });
    renameSync(join(folder, 'logs'), join(folder, 'old'));
    proxy.process.kill('SIGUSR2');
    const lines = (): string => readFileSync(join(folder, 'old', 'access.log'), 'utf8');
    await vi.waitUntil(() => lines().includes('the log stays'), { timeout: 30_000 });
    const line: unknown = JSON.parse(lines().trim().split('\n').at(-1) ?? '');
    rmSync(folder, { recursive: true });
    expect(line).toMatchObject({
      level: 'error',
      detail: expect.stringMatching(
        /^log\.file cannot be opened: ENOENT: .*; name a file in a folder that is there/,
      ) as string,
      msg: 'the log stays in the old file',
    });
    expect(line).not.toHaveProperty('err');
  });
});

describe('a log file that was removed or renamed', () => {
  it('is begun anew by a reload, and not before its folder is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-lifecycle-'));
    const [logs, old] = [join(folder, 'logs'), join(folder, 'old')];
    mkdirSync(logs);
    proxy = await startSallyport(configText());
    writeFileSync(proxy.configFile, configText({ more: `log: { file: "${join(logs, 'access.log')}" }` }));
    const has = (file: string, text: string): Promise<boolean> =>
      vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').includes(text), { timeout: 30_000 });
    const reload = (): boolean => proxy.process.kill('SIGHUP');
    reload();
    await has(join(logs, 'access.log'), '"reloaded"');
    rmSync(join(logs, 'access.log'));
    reload();
    await has(join(logs, 'access.log'), '"log file reopened"');
    renameSync(logs, old);
    reload();
    await has(join(old, 'access.log'), '"the log stays in the old file"');
    mkdirSync(logs);
    reload();
    await has(join(logs, 'access.log'), '"log file reopened"');
    reload();
    await has(join(logs, 'access.log'), '"reloaded"');
    expect(readFileSync(join(logs, 'access.log'), 'utf8').match(/"log file reopened"/g)).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });

  it('that is a FIFO needs a reader, as the start says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-lifecycle-'));
    const fifo = join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const started = startSallyport(configText({ more: `log: { file: "${fifo}" }` }));
    await expect(started).rejects.toThrow(
      /log\.file cannot be opened: ENXIO: .*; nothing reads there; if it is a FIFO, start its reader first/,
    );
    rmSync(folder, { recursive: true });
  });
});

describe('SIGTERM', () => {
  it('lets a live tunnel finish, refuses new ones, then exits 0', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const door = proxy.port('explicit');
    const live = await openTunnel(door, `127.0.0.1:${echo.port}`);
    const exit = proxy.stop();
    await proxy.line({ msg: 'draining' });
    await expect(openClient(door)).rejects.toThrow(/ECONNREFUSED/);
    const ready = await fetch(`http://127.0.0.1:${proxy.port('admin')}/readyz`);
    expect(ready.status).toBe(503);
    live.socket.end('last words');
    await live.hears('last words');
    await live.ended();
    echo.close();
    expect(await exit).toBe(0);
    expect(await proxy.tunnel({ port: echo.port })).toMatchObject({ reason: 'client_closed', outcome: 'ok' });
  });

  it('cuts what still lives after timeouts.drain, with the reason drain', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText({ more: 'timeouts: { drain: 200ms }' }));
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const exit = proxy.stop();
    expect((await live.ended()).wasReset).toBe(false);
    live.socket.destroy();
    echo.close();
    expect(await exit).toBe(0);
    expect(await proxy.tunnel({ port: echo.port })).toMatchObject({ reason: 'drain' });
  });

  it.each([
    ['explicit', 'transparent'],
    ['transparent', 'explicit'],
  ])(
    'cuts the tunnels of the %s door after its own timeouts.drain, and leaves those of others',
    async (brief, lasting) => {
      const echo = await echoOrigin();
      const ownDrain = 'timeouts: { drain: 200ms }';
      proxy = await startSallyport(
        configText({
          explicit: brief === 'explicit' ? [ownDrain] : [],
          transparent: [`port: ${echo.port}`, ...(brief === 'transparent' ? [ownDrain] : [])],
        }),
      );
      const hello = helloFor('origin.test');
      const explicit = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
      const transparent = await openClient(proxy.port('transparent'));
      transparent.socket.write(hello);
      await transparent.hears(hello.length);
      const [short, long] = brief === 'explicit' ? [explicit, transparent] : [transparent, explicit];
      const exit = proxy.stop();
      expect((await short.ended()).wasReset).toBe(false);
      short.socket.destroy();
      expect(await proxy.tunnel({ listener: brief })).toMatchObject({ reason: 'drain' });
      long.socket.end('on and on');
      await long.hears('on and on');
      await long.ended();
      long.socket.destroy();
      echo.close();
      expect(await exit).toBe(0);
      expect(await proxy.tunnel({ listener: lasting })).toMatchObject({ reason: 'client_closed' });
    },
  );

  it('refuses who came before it and asks only now, at either door', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const late = await openClient(proxy.port('explicit'));
    late.socket.write('CONNECT ');
    const lateInTls = await openClient(proxy.port('transparent'));
    lateInTls.socket.write(helloFor('origin.test').subarray(0, 20));
    for (const listener of ['explicit', 'transparent']) {
      const begun = (): Promise<number | undefined> => proxy.metric(`handshakes_active{listener="${listener}"}`);
      await expect.poll(begun, { timeout: 30_000 }).toBe(1);
    }
    const exit = proxy.stop();
    await proxy.line({ msg: 'draining' });
    late.socket.write(`127.0.0.1:${echo.port} HTTP/1.1\r\n\r\n`);
    lateInTls.socket.write(helloFor('origin.test').subarray(20));
    const { bytes } = await late.ended();
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 503 .*error=connection_limit_reached; details=/s);
    expect((await lateInTls.ended()).bytes).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 80]));
    await proxy.tunnel({ listener: 'explicit', reason: 'overload', status: 503 });
    await proxy.tunnel({ listener: 'transparent', reason: 'overload' });
    for (const { socket } of [live, late, lateInTls]) socket.destroy();
    echo.close();
    expect(await exit).toBe(0);
  });

  it('ends at once with exit 1 when it comes twice, and every connection has its line', async () => {
    const echo = await echoOrigin();
    proxy = await startSallyport(configText());
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const asking = await openClient(proxy.port('transparent'));
    asking.socket.write(helloFor('origin.test').subarray(0, 20));
    const begun = (): Promise<number | undefined> => proxy.metric('handshakes_active{listener="transparent"}');
    await expect.poll(begun, { timeout: 30_000 }).toBe(1);
    const exit = proxy.stop();
    await proxy.line({ msg: 'draining' });
    proxy.process.kill('SIGTERM');
    expect(await exit).toBe(1);
    for (const { socket } of [live, asking]) socket.destroy();
    echo.close();
    expect(await proxy.tunnel({ port: echo.port })).toMatchObject({ reason: 'drain' });
    expect(await proxy.tunnel({ listener: 'transparent' })).toMatchObject({ reason: 'drain' });
  });

  it.each([1, 2])('gives a tunnel whose client takes nothing its line where it comes %i times', async (times) => {
    const source = await tcpOrigin((socket) => {
      const pour = (): void => {
        while (socket.write(Buffer.alloc(65_536)));
      };
      socket.on('drain', pour);
      pour();
    });
    proxy = await startSallyport(configText({ more: `timeouts: { drain: ${times === 1 ? '100ms' : '1h'} }` }));
    const deaf = await openTunnel(proxy.port('explicit'), `127.0.0.1:${source.port}`);
    deaf.socket.pause();
    let before: number | undefined;
    const isStuck = async (): Promise<boolean> => {
      const now = await proxy.metric('bytes_total{listener="explicit",direction="down"}');
      const isSame = now !== 0 && now === before;
      before = now;
      return isSame;
    };
    await expect.poll(isStuck, { timeout: 30_000, interval: 200 }).toBe(true);
    const exit = proxy.stop();
    await proxy.line({ msg: 'draining' });
    if (times === 2) proxy.process.kill('SIGTERM');
    expect(await exit).toBe(times - 1);
    deaf.socket.destroy();
    source.close();
    expect(await proxy.tunnel({ port: source.port })).toMatchObject({ reason: 'drain', bytes_down: before });
  });
});

describe('a signal that npm gets, too, and passes on', () => {
  it('is one signal: live tunnels go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-npm-'));
    writeFileSync(join(folder, 'package.json'), '{ "scripts": { "proxy": "exec" } }');
    const echo = await echoOrigin();
    proxy = await startSallyport(configText(), {
      under: ['npm', 'run', '--silent', '--prefix', folder, 'proxy', '--'],
    });
    const live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const exit = proxy.stop();
    await proxy.line({ msg: 'draining' });
    proxy.process.kill('SIGTERM');
    for (const until = performance.now() + 200; performance.now() < until;) {
      const before = live.heard().length;
      live.socket.write('still here');
      await live.hears(before + 10);
    }
    live.socket.end();
    expect(await exit).toBe(0);
    expect(await proxy.tunnel()).toMatchObject({ reason: 'client_closed' });
    echo.close();
    rmSync(folder, { recursive: true });
  });
});

describe('two signals in a row', () => {
  it.each([1, 2, 3, 4, 5, 6])('end it by an exit code, never by the signal (%i)', async () => {
    proxy = await startSallyport(configText());
    proxy.process.kill('SIGTERM');
    proxy.process.kill('SIGTERM');
    await once(proxy.process, 'exit');
    expect(proxy.process.signalCode).toBeNull();
    expect([0, 1]).toContain(proxy.process.exitCode);
  });
});

describe('SIGINT', () => {
  it('drains like SIGTERM', async () => {
    proxy = await startSallyport(configText());
    proxy.process.kill('SIGINT');
    await once(proxy.process, 'exit');
    expect(proxy.process.exitCode).toBe(0);
  });
});
