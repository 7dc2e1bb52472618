/** The machine's address is removed and another one added, as by DHCP or a failover, while tunnels are up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testedRuntime } from '../harness/config-text.ts';
import type { LogLine, Running } from '../harness/sallyport.ts';
import { type Door, type Lab, NEW, OLD, openLab, PEER, type Tunnel, whyNoLab } from './lab.ts';

const KEEP_ALIVE_MS = 2_000;
const ECHO = 7_000;
/** The doors: on every address of one family, and on the address that goes. */
const WIDE = 3_128;
const WIDE_6 = 3_129;
const BOUND = 3_130;

const CONFIG = `listeners:
  - { name: wide, mode: connect, bind: "0.0.0.0:${WIDE}" }
  - { name: wide6, mode: connect, bind: "[::]:${WIDE_6}" }
  - { name: bound, mode: connect, bind: "${OLD.ipv4}:${BOUND}" }
admin: { bind: "127.0.0.1:0" }
dns: { hosts: { "wan.test": ["${PEER.ipv4}"] } }
runtime: ${testedRuntime()}
timeouts: { keepalive: ${KEEP_ALIVE_MS}ms }
egress:
  - { name: wan, type: direct, source_address: "${OLD.ipv4}" }
policy:
  rules:
    - { name: from-wan, action: allow, hosts: [wan.test], egress: wan }
    - { name: rest, action: allow }
  destinations: { allow: [private] }
`;

const why = whyNoLab();
if (why !== undefined) console.warn(`SKIPPED: no machine changes its address here: ${why}`);

describe.skipIf(why !== undefined)('a machine whose address changes', () => {
  let lab: Lab;
  let proxy: Running;
  let linesBefore: readonly LogLine[];
  let changedAt = 0;

  const throughOld: Door = { host: OLD.ipv4, port: WIDE };
  const throughNew: Door = { host: NEW.ipv4, port: WIDE };
  const answerTo = async (authority: string, door = throughNew): Promise<string> =>
    (await lab.connect(door, authority)).answer;

  beforeAll(async () => {
    lab = await openLab([ECHO, WIDE, BOUND]);
    proxy = await lab.startSallyport(CONFIG);
    const tunnels: Tunnel[] = [];
    for (const door of [throughOld, { host: OLD.ipv6, port: WIDE_6 }, { host: OLD.ipv4, port: BOUND }]) {
      tunnels.push(await lab.connect(door, `${PEER.ipv4}:${ECHO}`));
    }
    for (const tunnel of tunnels) expect(await tunnel.say('alive')).toBe('alive');
    expect(await answerTo(`wan.test:${ECHO}`, throughOld)).toMatch(/^HTTP\/1\.1 200 /);
    for (const port of [WIDE, BOUND])
      expect(await answerTo(`${OLD.ipv4}:${port}`, throughOld)).toMatch(/loop_detected/);
    linesBefore = [...proxy.lines];
    lab.changeAddresses();
    changedAt = Date.now();
    lab.giveOldAddressesAway();
  }, 60_000);

  afterAll(async () => {
    await lab.endPeers();
    await proxy.stop();
    lab.close();
  });

  it('is told of in the log, with the door that cannot be reached any more', async () => {
    expect(await proxy.line({ msg: 'addresses changed' })).toMatchObject({
      level: 'info',
      added: [NEW.ipv4, NEW.ipv6],
      removed: [OLD.ipv4, OLD.ipv6],
    });
    await proxy.line({
      level: 'warn',
      msg: 'listener address lost',
      listener: 'bound',
      address: `${OLD.ipv4}:${BOUND}`,
    });
  });

  it.each([
    ['IPv4', throughNew, PEER.ipv4],
    ['IPv6', { host: NEW.ipv6, port: WIDE_6 }, `[${PEER.ipv6}]`],
  ])('takes clients at its new address, and dials from it: %s', async (_, door, host) => {
    const tunnel = await lab.connect(door, `${host}:${ECHO}`);
    expect(await tunnel.say('alive')).toBe('alive');
  });

  it('does not dial its own door at the new address', async () => {
    const authority = `${NEW.ipv4}:${WIDE}`;
    await expect
      .poll(() => answerTo(authority), { timeout: 30_000 })
      .toMatch(/^HTTP\/1\.1 502 [^]*proxy_loop_detected/);
    await proxy.line({ msg: 'tunnel', reason: 'loop', host: NEW.ipv4, port: WIDE });
  });

  it("dials the old address, another machine's now, where its door was on every address", async () => {
    await expect.poll(() => answerTo(`${OLD.ipv4}:${WIDE}`), { timeout: 30_000 }).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('does not dial the old address where its door is bound to that: it may be back at any moment', async () => {
    expect(await answerTo(`${OLD.ipv4}:${BOUND}`)).toMatch(/^HTTP\/1\.1 502 [^]*proxy_loop_detected/);
  });

  it('ends the tunnels that had the old address, within the keep-alive', async () => {
    const ends = await Promise.all(
      ['wide', 'wide6', 'bound'].map((listener) =>
        proxy.line({ msg: 'tunnel', outcome: 'ok', listener }, linesBefore.length),
      ),
    );
    for (const { reason, time } of ends) {
      expect(reason).toMatch(/^(?:client|upstream)_reset$/);
      expect(Date.parse(String(time)) - changedAt).toBeLessThan(5 * KEEP_ALIVE_MS);
    }
  });

  it('refuses where an egress dials from the address that is gone, and says so', async () => {
    const answer = await answerTo(`wan.test:${ECHO}`);
    expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*destination_ip_unroutable/);
    expect(answer, 'a client need not know our addresses').not.toContain(OLD.ipv4);
    const line = await proxy.line({ msg: 'tunnel', host: 'wan.test', reason: 'unreachable' });
    expect(line).toMatchObject({ egress: 'wan', stage: 'dial' });
    expect(line['detail']).toBe(`This machine has no address ${OLD.ipv4}, from which the egress dials.`);
    const metrics = await lab.metrics(proxy.port('admin'));
    expect(metrics).toContain('sallyport_egress_attempts_total{egress="wan",result="failed"} 1');
    expect(metrics).toContain('sallyport_dial_attempts_total{family="ipv4",result="error"} 1');
  });

  it('serves its door, and dials from the address, once that is back', async () => {
    lab.takeOldAddressesBack();
    const tunnel = await lab.connect({ host: OLD.ipv4, port: BOUND }, `wan.test:${ECHO}`);
    expect(await tunnel.say('alive')).toBe('alive');
    await expect
      .poll(() => answerTo(`${OLD.ipv4}:${BOUND}`), { timeout: 30_000 })
      .toMatch(/^HTTP\/1\.1 502 [^]*proxy_loop_detected/);
  });
});

/** As long as a reading of the interfaces may be used. */
const LONGEST_MS = 2_000;

describe.skipIf(why !== undefined)('a machine whose link is cut', () => {
  it.each([
    ['every address', WIDE],
    ['the address of that link', BOUND],
  ])('keeps its address, and does not dial its own door there: bound to %s', async (_, port) => {
    const lab = await openLab([]);
    const proxy = await lab.startSallyport(CONFIG);
    const ask = (): Promise<number> => lab.askAtHome(WIDE, `${OLD.ipv4}:${port}`);
    expect(await ask()).toBe(502);
    lab.cutLink();
    for (const until = Date.now() + LONGEST_MS + 500; Date.now() < until;) expect(await ask()).toBe(502);
    await proxy.line({ msg: 'tunnel', reason: 'loop', host: OLD.ipv4, port });
    expect(proxy.lines.filter(({ msg }) => msg === 'addresses changed')).toEqual([]);
    await lab.endPeers();
    await proxy.stop();
    lab.close();
  });
});
