/** A clock that is put forward or back by a day, as by a person or a first answer of NTP: no span of time is measured by it. */
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FakeNameServer,
  record,
  type Script,
  startNameServer,
} from '../../packages/resolver/test/fake-name-server.ts';
import { testedRuntime } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { cpuMsOf } from './harness/process-facts.ts';
import { isInstalled } from './harness/programs.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';
import { interposeSystemCalls, type InterposedProcess } from './harness/system-calls.ts';

const DAY_MS = 86_400_000;
const SHORT_MS = 2_000;
/** Some hundred milliseconds of CPU for a comparison. */
const COST = 12;
const users = { 'users.htpasswd': `alice:${hashSync('secret', COST)}\n` };
const credentials = `Proxy-Authorization: Basic ${Buffer.from('alice:secret').toString('base64')}\r\n`;

const nameServerWorks: Script = ({ name, type }) => {
  if (name === 'none.test') return { rcode: 'NXDOMAIN' };
  return { answers: type === 'A' ? [record('A', name, '127.0.0.1', name === 'stale.test' ? 1 : 300)] : [] };
};

describe.skipIf(!isInstalled('cc')).each([
  { what: 'forward a day', shiftMs: DAY_MS },
  { what: 'back a day', shiftMs: -DAY_MS },
])('a clock that is put $what', ({ shiftMs }) => {
  let echo: Origin;
  let names: FakeNameServer;
  /** A parent that takes no connection to the end: each is counted and reset. */
  let brokenParent: Origin;
  let parentDials = 0;
  let calls: InterposedProcess;
  let proxy: Running;
  let live: Client;
  let short: readonly Client[];
  let comparisonMs: number;

  beforeAll(async () => {
    echo = await echoOrigin();
    names = await startNameServer(nameServerWorks);
    brokenParent = await tcpOrigin((socket) => {
      parentDials += 1;
      socket.resetAndDestroy();
    });
    calls = interposeSystemCalls();
    proxy = await startSallyport(config(), { env: calls.env, files: users });
    live = await openTunnel(proxy.port('open'), `known.test:${echo.port}`);
    short = await Promise.all(
      ['idle', 'lifetime'].map((door) => openTunnel(proxy.port(door), `known.test:${echo.port}`)),
    );
    for (const name of ['none.test', 'asked-once.test']) await connectTo(name);
    const before = cpuMsOf(proxy);
    await connectTo('known.test', 'guarded', credentials);
    comparisonMs = cpuMsOf(proxy) - before;
    await connectTo('stale.test');
    calls.shiftClock(shiftMs);
  });

  afterAll(async () => {
    live.socket.destroy();
    for (const { socket } of short) socket.destroy();
    await proxy.stop();
    calls.close();
    await names.stop();
    brokenParent.close();
    echo.close();
  });

  function config(): string {
    return `listeners:
  - { name: open, mode: connect, bind: "127.0.0.1:0" }
  - { name: guarded, mode: connect, bind: "127.0.0.1:0", auth: { users_file: users.htpasswd } }
  - { name: idle, mode: connect, bind: "127.0.0.1:0", timeouts: { idle: ${SHORT_MS}ms } }
  - { name: lifetime, mode: connect, bind: "127.0.0.1:0", timeouts: { lifetime: ${SHORT_MS}ms } }
admin: { bind: "127.0.0.1:0" }
dns: { servers: ["127.0.0.1:${names.address.port}"], timeout: 1s, cache: { min_ttl: 1s, negative_ttl: 60s, stale_if_error: 1h } }
runtime: ${testedRuntime()}
egress:
  - { name: broken, type: http, address: "127.0.0.1:${brokenParent.port}" }
  - { name: way, type: direct }
policy:
  rules:
    - { name: by-parent, action: allow, hosts: [by-parent.test], egress: [broken, way] }
    - { name: rest, action: allow }
  destinations: { allow: [loopback] }
`;
  }

  const connectTo = async (name: string, door = 'open', more = ''): Promise<string> => {
    const client = await openClient(proxy.port(door));
    client.socket.write(`CONNECT ${name}:${echo.port} HTTP/1.1\r\nHost: ${name}\r\n${more}\r\n`);
    const answer = await client.hears('\r\n\r\n');
    client.socket.destroy();
    return answer.toString('latin1');
  };

  it('is what lines of the log say the time is', async () => {
    const from = proxy.lines.length;
    await connectTo('known.test');
    const { time } = await proxy.line({ msg: 'tunnel', listener: 'open', host: 'known.test' }, from);
    expect(Math.abs(Date.parse(String(time)) - Date.now() - shiftMs)).toBeLessThan(3_600_000);
  });

  it('ends no tunnel', async () => {
    live.socket.write('alive');
    await live.hears('alive');
  });

  it.each(['idle', 'lifetime'])('leaves timeouts.%s as long as it is', async (door) => {
    const { duration_ms: duration } = await proxy.line({ msg: 'tunnel', listener: door, reason: door });
    expect(duration).toBeGreaterThanOrEqual(SHORT_MS);
    expect(duration).toBeLessThan(DAY_MS / 2);
  });

  it.each([
    ['the addresses of a name', 'asked-once.test', /^HTTP\/1\.1 200 /],
    ['that a name has none', 'none.test', /^HTTP\/1\.1 502 /],
  ])('has nothing that is known of names forgotten: %s', async (_, name, answer) => {
    const asked = (): number => names.asked.filter((one) => one.name === name).length;
    const before = asked();
    expect(before).toBeGreaterThan(0);
    expect(await connectTo(name)).toMatch(answer);
    expect(asked()).toBe(before);
  });

  it('has an expired address used still where DNS fails', async () => {
    names.script = () => ({ rcode: 'SERVFAIL' });
    const asked = (): number => names.asked.filter((one) => one.name === 'stale.test').length;
    const before = asked();
    await expect
      .poll(async () => [(await connectTo('stale.test')).slice(0, 13), asked() > before], { timeout: 30_000 })
      .toEqual(['HTTP/1.1 200 ', true]);
    names.script = nameServerWorks;
  });

  it('has a parent that is down put aside for a while, and no longer', async () => {
    const dialsOf = async (): Promise<number> => {
      const before = parentDials;
      expect(await connectTo('by-parent.test')).toMatch(/^HTTP\/1\.1 200 /);
      return parentDials - before;
    };
    const putAsideAndJump = async (): Promise<number> => {
      calls.shiftClock(0);
      await dialsOf();
      calls.shiftClock(shiftMs);
      return dialsOf();
    };
    expect(await dialsOf(), 'it is known to be down').toBe(1);
    await expect.poll(putAsideAndJump, { timeout: 30_000 }).toBe(0);
    await expect.poll(dialsOf, { timeout: 30_000 }).toBe(1);
  });

  it('has no password compared again that was right', async () => {
    const before = cpuMsOf(proxy);
    expect(await connectTo('known.test', 'guarded', credentials)).toMatch(/^HTTP\/1\.1 200 /);
    expect(cpuMsOf(proxy) - before).toBeLessThan(comparisonMs / 2);
  });
});
