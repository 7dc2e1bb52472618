/** `sallyport top` as an operator sees it, in a terminal of `script`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../e2e/harness/config-text.ts';
import { ask, type Client, echoOrigin, openTunnel, type Origin } from '../e2e/harness/peers.ts';
import { BINARY, type Running, sallyport, startSallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-top-'));
const socket = join(folder, 'admin.sock');

let proxy: Running;
let origin: Origin;
const clients: Client[] = [];

beforeAll(async () => {
  origin = await echoOrigin();
  proxy = await startSallyport(
    configText({ hosts: { 'small.test': ['127.0.0.1'] } })
      .replace('"127.0.0.1:0" }\ndns', `"unix:${socket}" }\ndns`)
      .replace('action: allow', 'action: allow, hosts: ["origin.test", "small.test"]'),
  );
  for (const [host, bytes] of [
    ['small.test', 10],
    ['origin.test', 5_000],
  ] as const) {
    const client = await openTunnel(proxy.port('explicit'), `${host}:${origin.port}`);
    const before = client.heard().length;
    client.socket.write(Buffer.alloc(bytes));
    await client.hears(before + bytes);
    clients.push(client);
  }
  await ask(proxy.port('explicit'), 'CONNECT nope.test:443 HTTP/1.1\r\nHost: nope.test:443\r\n\r\n');
});

afterAll(async () => {
  for (const client of clients) client.socket.destroy();
  await proxy.stop();
  origin.close();
  rmSync(folder, { recursive: true });
});

/** What runs in the terminal, to be killed should a test fail. */
const running = new Set<ReturnType<typeof spawn>>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

/** The program in a terminal of 100 columns and 30 rows; what it has drawn, its keys, and its end. */
function openTerminal(admin: string) {
  const command = `stty cols 100 rows 30; exec '${process.execPath}' '${BINARY}' top --admin '${admin}'`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm' } });
  running.add(child);
  let drawn = '';
  child.stdout.on('data', (chunk: Buffer) => (drawn += chunk.toString()));
  /** The latest whole screen, without control sequences. */
  const screen = (): string => {
    const [latest = ''] = drawn.split('\x1b[H').slice(-1);
    // eslint-disable-next-line no-control-regex -- control sequences are what it is about
    return latest.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
  };
  return {
    screen,
    all: () => drawn,
    press: (key: string) => void child.stdin.write(key),
    ended: once(child, 'close').then(() => child.exitCode),
  };
}

const WITHIN = { timeout: 30_000 };

describe('sallyport top in a terminal', () => {
  it('shows live tunnels and denials, sorts by key, and ends with q', async () => {
    const terminal = openTerminal(`unix:${socket}`);
    await expect
      .poll(terminal.screen, WITHIN)
      .toMatch(/LIVE TUNNELS by bytes[^]*origin\.test[^]*small\.test[^]*DENIED[^]*nope\.test:443/);
    // The next screen may be half drawn, and end within a control sequence. Its last line is left out.
    const whole = terminal.screen().split(/\r+\n/).slice(0, -1);
    expect(whole.filter((line) => line.length > 100)).toEqual([]);
    expect(terminal.screen()).toMatch(/ready[^]*2 tunnels/);
    terminal.press('a');
    await expect.poll(terminal.screen, WITHIN).toMatch(/LIVE TUNNELS by age[^]*small\.test[^]*origin\.test/);
    terminal.press('w');
    await expect.poll(terminal.screen, WITHIN).toMatch(/WOULD BE DENIED[^]*none/);
    terminal.press('q');
    expect(await terminal.ended).toBe(0);
    // The screen that was there before comes back, and its cursor.
    expect(terminal.all().endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
  });

  it('goes on when the proxy is away for a while, and says so', async () => {
    const passing = await startSallyport(configText());
    const terminal = openTerminal(`http://127.0.0.1:${passing.port('admin')}`);
    await expect.poll(terminal.screen, WITHIN).toContain('LIVE TUNNELS');
    await passing.stop();
    await expect.poll(terminal.screen, WITHIN).toContain('does not answer (no server listens there)');
    terminal.press('\x03');
    expect(await terminal.ended).toBe(0);
  });
});

describe('sallyport top elsewhere', () => {
  it('prints once what there is', async () => {
    const { code, stdout } = await sallyport(['top', '--admin', `unix:${socket}`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sallyport .*ready.*\n2 tunnels\nLIVE TUNNELS by bytes/);
    expect(stdout).toMatch(/^origin\.test:\d+ +127\.0\.0\.1 +tests +4\.9 KiB +4\.9 KiB/m);
    expect(stdout).not.toContain('\x1b');
    expect(stdout).not.toContain('quit');
  });

  it.each([
    ['http://127.0.0.1:1', 'nothing to show from http://127.0.0.1:1: no server listens there', 1],
    ['unix:/nowhere.sock', 'nothing to show from unix:/nowhere.sock: there is no such socket', 1],
    ['https://127.0.0.1:1', '--admin https://127.0.0.1:1 is neither http://host:port nor unix:PATH', 2],
    ['unix:', '--admin unix: is neither', 2],
    ['http://', '--admin http:// is neither', 2],
  ])('says of --admin %s what is wrong, in one line', async (admin, why, exitCode) => {
    const { code, stdout, stderr } = await sallyport(['top', '--admin', admin]);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr.startsWith(`sallyport: ${why}`)).toBe(true);
    expect(stderr.split('\n')).toHaveLength(2);
  });

  it('is told where something else answers', async () => {
    const { code, stderr } = await sallyport(['top', '--admin', `127.0.0.1:${proxy.port('explicit')}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: nothing to show from \S+: \/api\/\S+ is answered with 405; /);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'what answers there is no HTTP'],
    ['a close', '', 'the connection was closed without an answer'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{', 'the connection was closed within its answer'],
  ])('is told where the answer is %s', async (_, answer, why) => {
    const other = createServer((socket) => socket.once('data', () => socket.end(answer)));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { stderr } = await sallyport(['top', '--admin', `127.0.0.1:${port}`]);
    other.close();
    expect(stderr).toContain(`nothing to show from 127.0.0.1:${port}: ${why}; `);
  });
});
