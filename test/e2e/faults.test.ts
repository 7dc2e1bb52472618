/** Faults of the system below: calls that fail for want of something, clocks that are set, errors that nobody expected. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { ask, type Client, echoOrigin, openClient, openTunnel, type Origin } from './harness/peers.ts';
import { isInstalled } from './harness/programs.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { type Errno, interposeSystemCalls, type InterposedProcess } from './harness/system-calls.ts';

const ERRORS: readonly Errno[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS'];
const isNative = process.env['SALLYPORT_TEST_ENGINE'] === 'native';
const DAY_MS = 86_400_000;

describe.skipIf(!isInstalled('cc'))('a system call that fails', () => {
  let echo: Origin;
  let calls: InterposedProcess;
  let proxy: Running;
  let live: Client;

  beforeAll(async () => {
    echo = await echoOrigin();
    calls = interposeSystemCalls();
    const seldom = '  - { name: seldom, mode: connect, bind: "127.0.0.1:0", limits: { new_per_client: "1/s" } }';
    const text = configText().replace(/^admin:/m, `${seldom}\nadmin:`);
    // A dial that is repeated and fails is begun again.
    proxy = await startSallyport(text, { env: { ...calls.env, SALLYPORT_REPEAT: 'off' } });
    live = await openTunnel(proxy.port('explicit'), `origin.test:${echo.port}`);
  });

  afterAll(async () => {
    live.socket.destroy();
    await proxy.stop();
    calls.close();
    echo.close();
  });

  it.each(ERRORS)('in accepting, %s: is told, and nobody else notices', async (error) => {
    calls.fail('accept4', error, 1);
    const hit = await openClient(proxy.port('explicit'));
    // libuv tells nobody: see below.
    if (isNative) await proxy.line({ level: 'error', msg: 'clients are turned away', code: error });
    // Without a descriptor, whoever is queued is closed. Without memory, they wait for their turn.
    if (error === 'EMFILE' || error === 'ENFILE') await hit.ended();
    else await expectServed(hit);
    // A turn of the loop later, libuv closes nobody any more who has come meanwhile.
    await expectLive();
    expect((await connect()).status).toBe('200');
    hit.socket.destroy();
  });

  it.skipIf(isNative).each(['EMFILE', 'ENFILE', 'ENOMEM'] as const)(
    'in looking for a free descriptor, %s: is told, for libuv tells of no accept that fails',
    async (error) => {
      calls.fail('open', error, 1);
      await proxy.line({ level: 'error', msg: 'clients are turned away', code: error });
      await expectLive();
    },
  );

  it.each([
    ...ERRORS.map((error) => ({ call: 'socket', error }) as const),
    { call: 'connect', error: 'ENOMEM' },
    { call: 'connect', error: 'ENOBUFS' },
    // No port is left.
    { call: 'connect', error: 'EADDRNOTAVAIL' },
  ] as const)('in dialling, $error of $call: is told to the client, in the log and in the metrics', async (fault) => {
    const from = proxy.lines.length;
    const failed = 'dial_attempts_total{family="ipv4",result="error"}';
    const before = (await proxy.metric(failed)) ?? 0;
    calls.fail(fault.call, fault.error, 1);
    expect((await connect()).status).toBe('503');
    expect(await proxy.line({ msg: 'tunnel', reason: 'overload' }, from)).toMatchObject({ stage: 'dial' });
    expect(await proxy.metric(failed)).toBe(before + 1);
    expect((await connect()).status).toBe('200');
    await expectLive();
  });

  it('in listening, no IPv6: the reload says so, and changes nothing', async () => {
    calls.fail('socket', 'EAFNOSUPPORT', 1);
    const sixth = '  - { name: sixth, mode: connect, bind: "[::1]:0" }';
    const line = await proxy.reload(configText().replace(/^admin:/m, `${sixth}\nadmin:`));
    expect(JSON.stringify(line)).toMatch(
      /listener sixth cannot listen on \[::1\]:0: this machine has no IPv6; use an IPv4 address, such as 0\.0\.0\.0 or 127\.0\.0\.1"/,
    );
    await expectLive();
  });

  it.each([
    ['forward a day', DAY_MS],
    ['back two days', -DAY_MS],
  ])('a clock that is put %s changes nothing but what lines say of the time', async (_, shiftMs) => {
    calls.shiftClock(shiftMs);
    const { status, port } = await connect();
    expect(status).toBe('200');
    await expectLive();
    const { time, duration_ms: duration } = await proxy.line({ msg: 'tunnel', client_port: port });
    expect(Math.abs(Date.parse(String(time)) - Date.now() - shiftMs)).toBeLessThan(DAY_MS / 2);
    expect(Number(duration)).toBeLessThan(60_000);
    expect(Number(duration)).toBeGreaterThanOrEqual(0);
    // A bucket of new_per_client fills on, whatever the time of day: by the wall clock it would take two days.
    const answerOfSeldom = (): Promise<string> => ask(proxy.port('seldom'), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await answerOfSeldom();
    await expect.poll(answerOfSeldom, { timeout: 30_000, interval: 200 }).toMatch(/^HTTP\/1\.1 405 /);
  });

  /** The status that a newcomer is answered with, who leaves again. */
  async function connect(): Promise<{ readonly status: string | undefined; readonly port: number | undefined }> {
    const authority = `origin.test:${echo.port}`;
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const { localPort: port } = client.socket;
    const answer = await client.hears('\r\n\r\n');
    client.socket.destroy();
    return { status: answer.toString('latin1').split(' ')[1], port };
  }

  async function expectServed(client: Client): Promise<void> {
    client.socket.write(`CONNECT origin.test:${echo.port} HTTP/1.1\r\n\r\n`);
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
  }

  async function expectLive(): Promise<void> {
    const from = live.heard().length;
    live.socket.write('alive');
    expect((await live.hears(from + 5)).subarray(from).toString()).toBe('alive');
  }
});

describe('an error that nobody expected', () => {
  it.each([
    ['thrown', 'throw new Error("of a test")'],
    ['rejected', 'void Promise.reject(new Error("of a test"))'],
  ])('is logged, and ends the process: %s', async (_, statement) => {
    const trap = `data:text/javascript,process.once("SIGWINCH", () => { ${statement} })`;
    const proxy = await startSallyport(configText(), { nodeOptions: ['--import', trap] });
    proxy.process.kill('SIGWINCH');
    expect(await proxy.line({ level: 'fatal', msg: 'uncaught error' })).toMatchObject({
      err: { message: 'of a test' },
    });
    expect(await proxy.stop()).toBe(1);
  });
});
