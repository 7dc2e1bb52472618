import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask, echoOrigin, openTunnel } from '../harness/peers.ts';
import { type Running, sallyport, startSallyport } from '../harness/sallyport.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const root = here('../../..');
const passSockets = here('pass-sockets.py');

const has = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'pipe' });
    return true;
  } catch {
    return false; // Not installed: whoever asks skips, and says so.
  }
};
const isNative = process.env['SALLYPORT_TEST_ENGINE'] === 'native';
const hasPython = has('python3', '--version');
const hasSystemd = has('systemd-analyze', '--version');
if (!hasPython)
  console.warn('SKIPPED: socket activation and notifications are not tested here, for there is no python3');
if (!hasSystemd) console.warn('SKIPPED: the systemd units are not tested here, for there is no systemd-analyze');

/** Both doors at sockets that are passed, in place of those that the configuration would open. */
const passedDoors = (yaml: string): string =>
  yaml
    .replace('bind: "127.0.0.1:0"', 'bind: "systemd:explicit"')
    .replace('bind: "127.0.0.1:0"', 'bind: "systemd:transparent"');

describe.skipIf(!hasPython)('socket activation', () => {
  let running: Running | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it('serves both doors at the sockets that were passed, under both families', async () => {
    const under = ['python3', passSockets, 'explicit=0', 'transparent=0', '--'];
    running = await startSallyport(passedDoors(configText()), { under });
    const listening = running.lines.filter(({ msg }) => msg === 'listening').map(({ listener }) => listener);
    expect(listening).toEqual(['admin', 'explicit', 'explicit', 'transparent', 'transparent']);

    const origin = await echoOrigin();
    const client = await openTunnel(running.port('explicit'), `127.0.0.1:${origin.port}`);
    client.socket.write('through a passed socket');
    await client.hears('through a passed socket');
    client.socket.destroy();
    origin.close();
    expect(await ask(running.port('transparent'), 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).toContain('421');
  });

  it('sees the loop through a socket of both families, by IPv4 too', async () => {
    const under = ['python3', passSockets, '--dual-stack', 'explicit=0', 'transparent=0', '--'];
    running = await startSallyport(passedDoors(configText()), { under });
    for (const host of ['127.0.0.1', '[::1]', 'localhost.test']) {
      const request = `CONNECT ${host}:${running.port('transparent')} HTTP/1.1\r\nHost: a\r\n\r\n`;
      expect(await ask(running.port('explicit'), request)).toMatch(/^HTTP\/1\.1 (502|400)/);
    }
    expect(await running.metric('refused_total{listener="explicit",reason="loop"}')).toBe(2);
  });

  it.runIf(isNative && process.getuid?.() === 0 && has('setpriv', '--version'))(
    'is refused at a transparent socket with source: client, where the right to dial so lacks',
    async () => {
      const rights = ['--bounding-set=-net_admin,-net_raw', '--inh-caps=-all', '--ambient-caps=-all'];
      const under = [
        'python3',
        passSockets,
        '--transparent',
        'explicit=0',
        'transparent=0',
        '--',
        'setpriv',
        ...rights,
      ];
      const withSource = (source: string): string =>
        passedDoors(configText({ transparent: ['intercept: tproxy', `source: ${source}`] }));
      await expect(startSallyport(withSource('client'), { under })).rejects.toThrow(
        'listener transparent: source: client needs CAP_NET_ADMIN for every dial; grant it (configs/systemd/tproxy.conf), or set source to proxy',
      );
      running = await startSallyport(withSource('proxy'), { under });
      expect(await running.reload(withSource('client'))).toMatchObject({ msg: 'reload failed' });
    },
  );

  it('is refused with exit 1 where the socket is missing, with the names that are there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
    const file = join(folder, 'sallyport.yaml');
    writeFileSync(file, passedDoors(configText()));
    const { code, stderr } = await sallyport(['run', '--config', file]);
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'sallyport: no socket for systemd:explicit was passed (none was at all); start the socket unit with that FileDescriptorName=, or bind to host:port\n',
    );
  });

  it('is called unknown where it was passed without a name, in messages too', async () => {
    const under = ['python3', passSockets, '--nameless', 'one=0', '--'];
    running = await startSallyport(configText().replace('bind: "127.0.0.1:0"', 'bind: "systemd:unknown"'), { under });
    const open = running.lines.filter(({ msg, listener }) => msg === 'listening' && listener === 'explicit');
    expect(open).toHaveLength(2);
    await expect(startSallyport(passedDoors(configText()), { under })).rejects.toThrow(
      'no socket for systemd:explicit was passed (there is unknown)',
    );
  });

  it.each([
    ['1000000000', /file descriptor [0-9]+ is not open/],
    ['1e3', /expected the number of sockets that are passed/],
  ])('refuses LISTEN_FDS=%s where no such number is passed', async (count, why) => {
    const script = `export LISTEN_PID=$$ LISTEN_FDS=${count}; exec "$@"`;
    const started = startSallyport(passedDoors(configText()), { under: ['sh', '-c', script, 'sh'] });
    const error: unknown = await started.then(undefined, (cause: unknown) => cause);
    expect(String(error)).toMatch(why);
    expect(String(error)).toContain(`sallyport: LISTEN_FDS is "${count}": `);
    expect(String(error)).toContain('must pass as many sockets as it says, or leave LISTEN_FDS out\n');
  });

  it.each(['unix', 'datagram', 'connected'])('refuses a %s socket, and says what the unit needs', async (kind) => {
    const under = ['python3', passSockets, `explicit=${kind}`, 'transparent=0', '--'];
    await expect(startSallyport(passedDoors(configText()), { under })).rejects.toThrow(
      'sallyport: listener explicit cannot listen on the socket that systemd passed: it is no TCP socket that listens; ' +
        'its unit needs ListenStream= with a port, and no Accept=yes\n',
    );
  });

  it('warns of a socket that a reload leaves to systemd, which keeps it open', async () => {
    const under = ['python3', passSockets, 'explicit=0', 'transparent=0', '--'];
    running = await startSallyport(passedDoors(configText()), { under });
    const withoutTransparent = passedDoors(configText()).replace(/ {2}- name: transparent\n(?: {4}.*\n)+/, '');
    expect(await running.reload(withoutTransparent)).toMatchObject({ msg: 'reloaded' });
    const closed = running.lines.filter(({ msg }) => msg === 'no longer listening');
    const detail =
      'systemd still has the socket open, and clients that connect there wait in vain; disable the socket unit';
    expect(closed).toMatchObject(Array(2).fill({ level: 'warn', listener: 'transparent', detail }));
  });

  it('has its sockets still where a reload fails behind them', async () => {
    const under = ['python3', passSockets, 'explicit=0', 'transparent=0', '--'];
    const own = passedDoors(configText()).replace('systemd:transparent', '127.0.0.1:0');
    running = await startSallyport(own, { under });
    const unwritable = `${passedDoors(configText())}log: { file: ${root}/nowhere/sallyport.log }\n`;
    expect(await running.reload(unwritable)).toMatchObject({ msg: 'reload failed' });
    expect(await running.reload(passedDoors(configText()))).toMatchObject({ msg: 'reloaded' });
  });

  it('warns of a socket at which no listener serves, for its clients would wait in vain', async () => {
    const under = ['python3', passSockets, 'explicit=0', 'transparent=0', 'metrics=0', '--'];
    running = await startSallyport(passedDoors(configText()), { under });
    expect(running.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        detail:
          'systemd passed sockets that no listener is bound to (metrics); clients that connect there wait in vain; ' +
          'bind a listener to systemd:NAME, or disable the socket unit',
        msg: 'unused sockets',
      }),
    );
    expect(running.lines.filter(({ msg }) => msg === 'unused sockets')).toHaveLength(1);
  });
});

describe.skipIf(!hasPython)('notifications', () => {
  let folder: string;
  let manager: ReturnType<typeof spawn>;
  let heard: string[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'notify-'));
    heard = [];
    manager = spawn('python3', [here('service-manager.py'), join(folder, 'notify')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (manager.stdout) createInterface({ input: manager.stdout }).on('line', (line) => heard.push(line));
    await expect.poll(() => heard, { timeout: 30_000 }).toEqual(['listening']);
  });
  afterEach(() => {
    manager.kill();
    rmSync(folder, { recursive: true });
  });

  it('tell when the doors are open, of reloads, good or bad, and of the drain', async () => {
    const running = await startSallyport(configText(), { env: { NOTIFY_SOCKET: join(folder, 'notify') } });
    await expect.poll(() => heard, { timeout: 30_000 }).toContain('READY=1 STATUS=Serving');
    await running.reload(configText());
    await running.reload('nonsense');
    const reload = [
      expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+ STATUS=Reloading$/) as unknown,
      'READY=1 STATUS=Serving',
    ];
    await expect.poll(() => heard.slice(2), { timeout: 30_000 }).toEqual([...reload, ...reload]);
    await running.stop();
    await expect.poll(() => heard.at(-1), { timeout: 30_000 }).toBe('STOPPING=1 STATUS=Draining');
  });

  it('name the successor as the main process, with socket activation too, and tell of no end', async () => {
    const env = { NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '200000' };
    const under = ['python3', passSockets, 'explicit=0', 'transparent=0', '--'];
    const running = await startSallyport(passedDoors(configText()), { env, under });
    running.process.kill('SIGUSR1');
    const { pid } = await running.line({ msg: 'successor serves' });
    await running.line({ msg: 'drained' });
    expect(await ask(running.port('transparent'), 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).toContain('421');
    await expect.poll(() => heard, { timeout: 30_000 }).toContain(`MAINPID=${String(pid)} READY=1 STATUS=Serving`);
    const before = heard.length;
    await expect.poll(() => heard.slice(before), { timeout: 30_000 }).toContain('WATCHDOG=1');
    expect(heard).not.toContain('STOPPING=1 STATUS=Draining');
    process.kill(Number(pid), 'SIGTERM');
    await running.stop();
  });

  it('come from the watchdog twice in each of its periods', async () => {
    const env = { NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '200000' };
    const running = await startSallyport(configText(), { env });
    await expect
      .poll(() => heard.filter((line) => line === 'WATCHDOG=1').length, { timeout: 30_000 })
      .toBeGreaterThan(3);
    await running.stop();
  });
});

describe.skipIf(!hasSystemd)('the systemd units', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'units-'));
    const source = join(root, 'configs/systemd');
    for (const name of readdirSync(source).filter((one) => /\.(service|socket)$/.test(one))) {
      const unit = readFileSync(join(source, name), 'utf8');
      // They name where the program would be installed; here it is where it is.
      writeFileSync(
        join(folder, name),
        unit.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/sallyport', root),
      );
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const analyze = (...args: readonly string[]): string => {
    const environment = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` };
    return execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe', env: environment });
  };

  it('are what systemd takes for units', () => {
    const units = readdirSync(folder).map((name) => join(folder, name));
    expect(units).toHaveLength(3);
    expect(analyze('verify', '--man=no', ...units)).toBe('');
  });

  it.each(['bind-low-ports.conf', 'takeover.conf', 'tproxy.conf'])('take %s as a drop-in', (name) => {
    mkdirSync(join(folder, 'sallyport.service.d'));
    copyFileSync(join(root, 'configs/systemd', name), join(folder, 'sallyport.service.d', name));
    expect(analyze('verify', '--man=no', join(folder, 'sallyport.service'))).toBe('');
  });

  it('expose little, by the count of systemd-analyze security', () => {
    // Offline, systemd reckons with nothing but the unit itself. The threshold is in tenths.
    const report = analyze('security', '--offline=yes', '--threshold=15', join(folder, 'sallyport.service'));
    expect(report).toMatch(/Overall exposure level for sallyport\.service: \d\.\d OK/);
  });
});
