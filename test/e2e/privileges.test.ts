/** What a process started by root keeps of its rights, and an admin server in the file system. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { configText, testedRuntime } from './harness/config-text.ts';
import { echoOrigin, openTunnel, type Origin } from './harness/peers.ts';
import { BINARY, type Running, sallyport, startSallyport } from './harness/sallyport.ts';

let echo: Origin;
let folder: string;

beforeAll(async () => {
  echo = await echoOrigin();
  folder = mkdtempSync(join(tmpdir(), 'sallyport-run-'));
  chmodSync(folder, 0o755);
});

afterAll(() => {
  echo.close();
  rmSync(folder, { recursive: true });
});

const withUser = (user: string): string => testedRuntime().replace('{', `{ user: ${user},`);

function get(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: '/healthz' }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject).end();
  });
}

describe('admin.bind: unix:PATH', () => {
  it.each([
    ['nowhere/admin.sock', 'there is no folder for it; create it or choose another path'],
    ['place.yaml/admin.sock', 'there is no folder for it; create it or choose another path'],
    ['.', 'a directory is there; name a socket in it'],
    ['place.yaml', 'a file is there that is no socket; remove it or choose another path'],
  ])('ends the start with what is in the way: %s', async (name, why) => {
    const path = join(folder, name);
    const file = join(folder, 'place.yaml');
    writeFileSync(file, configText().replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${path}" }`));
    const { code, stderr } = await sallyport(['run', '--config', file]);
    expect(stderr).toBe(`sallyport: the admin server cannot listen on unix:${path}: ${why}\n`);
    expect(code).toBe(1);
  });

  it('serves its owner and its group, and replaces what a crash has left', async () => {
    const path = join(folder, 'admin.sock');
    const text = configText().replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${path}" }`);
    const crashed = await startSallyport(text);
    expect(await get(path)).toBe(200);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    crashed.process.kill('SIGKILL');
    await expect.poll(() => get(path).catch((error: unknown) => String(error))).toMatch(/ECONNREFUSED/);
    const next = await startSallyport(text);
    expect(await get(path)).toBe(200);
    const second = await sallyport(['run', '--config', next.configFile]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/the admin server cannot listen on unix:[^\n]* a process listens there; stop it or/);
    expect(await get(path)).toBe(200);
    await next.stop();
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });

  it('is there again after a reload or a takeover, where it was removed', async () => {
    const path = join(folder, 'removed.sock');
    const text = configText().replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${path}" }`);
    const proxy = await startSallyport(text);
    rmSync(path);
    expect(await proxy.reload(text)).toMatchObject({ msg: 'reloaded' });
    expect(await get(path)).toBe(200);
    expect(statSync(path).mode & 0o777).toBe(0o660);

    rmSync(path);
    proxy.process.kill('SIGUSR1');
    const { pid } = await proxy.line({ msg: 'successor serves' });
    await proxy.line({ msg: 'drained', exit: 0 });
    expect(await get(path)).toBe(200);
    process.kill(Number(pid), 'SIGTERM');
    await expect.poll(() => existsSync(path)).toBe(false);
  });

  it('is not lost where a link leads to it', async () => {
    const path = join(folder, 'linked.sock');
    const text = configText().replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${path}" }`);
    const proxy = await startSallyport(text);
    renameSync(path, `${path}.moved`);
    symlinkSync(`${path}.moved`, path);
    expect(await proxy.reload(text)).toMatchObject({ msg: 'reloaded' });
    expect(proxy.lines).not.toContainEqual(expect.objectContaining({ msg: 'listener address lost' }));
    expect(await get(path)).toBe(200);
    expect(await proxy.stop()).toBe(0);
  });

  it('stays away while something else is at its path, which a reload says and an end leaves alone', async () => {
    const path = join(folder, 'replaced.sock');
    const text = configText().replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${path}" }`);
    const proxy = await startSallyport(text);
    rmSync(path);
    writeFileSync(path, 'of others');
    expect(await proxy.reload(text)).toMatchObject({ msg: 'reloaded' });
    expect(await proxy.line({ msg: 'listener address lost' })).toMatchObject({
      listener: 'admin',
      detail: `the admin server cannot listen on unix:${path}: a file is there that is no socket; remove it or choose another path`,
    });
    expect(await proxy.stop()).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('of others');
  });
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: runtime.user is not tested here, for only root can become another user');

describe.skipIf(!isRoot)('runtime.user', () => {
  it('is who the process is once all is bound, with no way back; tunnels and reloads go on', async () => {
    const text = configText().replace(`runtime: ${testedRuntime()}`, `runtime: ${withUser('nobody')}`);
    const proxy = await startSallyport(text);
    const status = readFileSync(`/proc/${proxy.process.pid}/status`, 'utf8');
    expect(status).toMatch(/Uid:\t65534\t65534\t65534\t65534/);
    expect(status).toMatch(/Gid:\t65534\t65534\t65534\t65534/);
    expect(status).toMatch(/CapPrm:\t0+\n/);
    if (process.env['SALLYPORT_TEST_ENGINE'] === 'native')
      expect(newPrivilegesOfThreads(proxy.process.pid)).toEqual(['1']);
    const client = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    client.socket.write('ping');
    await client.hears('ping');
    client.socket.destroy();
    // The folder of the harness is root's alone: what a reload will stumble over is said beforehand.
    expect((await proxy.line({ user: 'nobody', level: 'warn' }))['msg']).toMatch(/a reload will fail/);
    chmodSync(proxy.folder, 0o755);
    chmodSync(proxy.configFile, 0o644);
    expect(await proxy.reload(text)).toMatchObject({ msg: 'reloaded' });
    expect(await proxy.stop()).toBe(0);
  });

  describe('with a log file', () => {
    const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n');
    const textOf = (file: string): string =>
      configText({ more: `log: { file: "${file}" }` }).replace(
        `runtime: ${testedRuntime()}`,
        `runtime: ${withUser('nobody')}`,
      );

    /** Runs until the log has these words. Its lines are not on stdout. */
    async function runUntil(file: string, log: string, act: (pid: number) => void, words: RegExp): Promise<void> {
      const configFile = join(folder, `${basename(log)}.yaml`);
      writeFileSync(configFile, textOf(file));
      const child = spawn(process.execPath, [BINARY, 'run', '--config', configFile], { stdio: 'ignore' });
      const said = (what: RegExp) => () => existsSync(log) && linesOf(log).some((line) => what.test(line));
      try {
        await vi.waitUntil(said(/"msg":"ready"/), { timeout: 60_000, interval: 20 });
        act(Number(child.pid));
        await vi.waitUntil(said(words), { timeout: 60_000, interval: 20 });
      } finally {
        for (const [, pid] of readFileSync(log, 'utf8').matchAll(/"pid":(\d+),"msg":"successor serves"/g))
          process.kill(Number(pid), 'SIGTERM');
        child.kill('SIGTERM');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
    }

    it("is the user's, so that a successor can open it", async () => {
      const file = join(folder, 'of-user.log');
      await runUntil(file, file, (pid) => process.kill(pid, 'SIGUSR1'), /"msg":"successor serves"|takeover failed/);
      expect(readFileSync(file, 'utf8')).toMatch(/"msg":"successor serves"/);
      expect(statSync(file)).toMatchObject({ uid: 65534, gid: 0 });
    });

    it.each([
      { kind: 'symbolic link', link: symlinkSync },
      { kind: 'second name', link: linkSync },
    ])('gives away no file of root by a $kind', async ({ kind, link }) => {
      const target = join(folder, `target of a ${kind}`);
      writeFileSync(target, '', { mode: 0o600 });
      const file = join(folder, `${kind}.log`);
      link(target, file);
      await runUntil(file, target, () => undefined, /"msg":"privileges dropped"/);
      expect(statSync(target).uid).toBe(0);
    });
  });

  describe("with a socket in a folder that is root's alone", () => {
    const path = (): string => join(folder, 'of-root.sock');
    const textOf = (bind: string): string =>
      configText()
        .replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "${bind}" }`)
        .replace(`runtime: ${testedRuntime()}`, `runtime: ${withUser('nobody')}`);
    const start = async (): Promise<Running> => {
      const proxy = await startSallyport(textOf(`unix:${path()}`));
      chmodSync(proxy.folder, 0o755);
      chmodSync(proxy.configFile, 0o644);
      return proxy;
    };

    it('drains, and leaves what the next start replaces', async () => {
      const first = await start();
      expect(await first.stop()).toBe(0);
      const next = await start();
      expect(await get(path())).toBe(200);
      expect(await next.stop()).toBe(0);
    });

    it('leaves it to a successor, and drains', async () => {
      const proxy = await start();
      proxy.process.kill('SIGUSR1');
      const { pid } = await proxy.line({ msg: 'successor serves' });
      await proxy.line({ msg: 'drained', exit: 0 });
      expect(await get(path())).toBe(200);
      process.kill(Number(pid), 'SIGTERM');
      await proxy.line({ msg: 'drained' }, proxy.lines.length);
    });

    it('moves away from it, and cannot come back, which changes nothing', async () => {
      const proxy = await start();
      expect(await proxy.reload(textOf('127.0.0.1:0'))).toMatchObject({ msg: 'reloaded' });
      const failed = await proxy.reload(textOf(`unix:${path()}`));
      expect(failed).toMatchObject({ msg: 'reload failed' });
      expect(failed['problems']).toEqual([
        expect.stringMatching(/cannot listen on unix:.*this user may not write to its folder/),
      ]);
      expect(await proxy.reload(textOf('127.0.0.1:0'))).toMatchObject({ msg: 'reloaded' });
      expect(await proxy.stop()).toBe(0);
    });
  });

  /** What the kernel says of each thread, each answer once. */
  function newPrivilegesOfThreads(pid = 0): readonly string[] {
    const threads = readdirSync(`/proc/${pid}/task`);
    expect(threads.length).toBeGreaterThan(4);
    const answers = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
    return [...new Set(answers.map((status) => /NoNewPrivs:\t(\d)/.exec(status)?.[1] ?? ''))];
  }

  it('is an error where there is no such user', async () => {
    const text = configText().replace(`runtime: ${testedRuntime()}`, `runtime: ${withUser('nobody-at-all')}`);
    await expect(startSallyport(text)).rejects.toThrow(/there is no user nobody-at-all/);
  });
});
