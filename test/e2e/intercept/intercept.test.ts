import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testedRuntime } from '../harness/config-text.ts';
import type { Running } from '../harness/sallyport.ts';
import { CLIENT, GATEWAY, type Lab, openLab, ORIGIN, whyNoLab } from './lab.ts';

const isNative = process.env['SALLYPORT_TEST_ENGINE'] === 'native';
const obstacle = whyNoLab();
if (obstacle !== undefined) console.warn(`SKIPPED: no interception is tested here: ${obstacle}`);

interface Way {
  readonly recipe: string;
  readonly intercept: 'redirect' | 'tproxy';
}

const ways: readonly Way[] = [
  { recipe: 'iptables-redirect', intercept: 'redirect' },
  { recipe: 'nftables-redirect', intercept: 'redirect' },
  { recipe: 'iptables-tproxy', intercept: 'tproxy' },
  { recipe: 'nftables-tproxy', intercept: 'tproxy' },
];
// Node.js has no way to ask for SO_ORIGINAL_DST: the portable engine intercepts only by TPROXY, at sockets that are passed to it.
const waysOfEngine = ways.filter(({ intercept }) => isNative || intercept === 'tproxy');
const passing = fileURLToPath(new URL('../systemd/pass-sockets.py', import.meta.url));

describe.skipIf(obstacle !== undefined)('clients that know of no proxy', () => {
  let lab: Lab;
  let running: Running | undefined;

  beforeAll(async () => {
    lab = await openLab(['origin.test', 'ipv4.test', 'cdn.test']);
  });
  afterAll(() => lab.close());
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const bothFamilies = isNative ? '["0.0.0.0:8443", "[::]:8443"]' : '"systemd:gateway"';

  function start(intercept: Way['intercept'], ...keys: readonly string[]): Promise<Running> {
    return startAt(bothFamilies, intercept, ...keys);
  }

  async function startAt(bind: string, intercept: Way['intercept'], ...keys: readonly string[]): Promise<Running> {
    const yaml = `listeners:
  - { name: gateway, mode: sni, bind: ${bind}, intercept: ${[intercept, ...keys].join(', ')} }
policy:
  rules:
    - { name: no, action: deny, hosts: ["denied.test"] }
    - { name: names, action: allow, hosts: ["*"] }
    - { name: addresses, action: allow, networks: ["${ORIGIN.ipv4}", "${ORIGIN.ipv6}"] }
  destinations: { allow: ["10.77.2.0/29", "10.77.1.0/24", "fd77::/16"] }
dns:
  servers: ["127.0.0.1"]
  hosts: { "origin.test": ["${ORIGIN.ipv4}", "${ORIGIN.ipv6}"], "ipv4.test": ["${ORIGIN.ipv4}"] }
admin: { bind: "127.0.0.1:9128" }
runtime: ${testedRuntime()}
`;
    running = await lab.startSallyport(
      yaml,
      isNative ? [] : ['python3', passing, '--transparent', 'gateway=8443', '--'],
    );
    return running;
  }

  const named = (name: string, address: string): readonly [url: string, ...args: string[]] => [
    `https://${name}/`,
    '--resolve',
    `${name}:443:${address.includes(':') ? `[${address}]` : address}`,
  ];

  it.each(waysOfEngine)('are left alone by $recipe where a rule of it cannot be made', ({ recipe }) => {
    const before = lab.rules();
    expect(() => lab.recipe(recipe, 'up', { GROUP: 'no-such-group' })).toThrow('roup');
    expect(lab.rules()).toEqual(before);
  });

  describe.each(waysOfEngine)('by $recipe', ({ recipe, intercept }) => {
    let before: readonly string[];
    beforeAll(() => {
      before = lab.rules();
      lab.recipe(recipe, 'up');
    });
    afterAll(() => {
      lab.recipe(recipe, 'down');
      expect(lab.rules(), 'undone whole').toEqual(before);
    });

    it.each([
      { family: 'IPv4', address: ORIGIN.ipv4, client: CLIENT.ipv4 },
      { family: 'IPv6', address: ORIGIN.ipv6, client: CLIENT.ipv6 },
    ])('reach a TLS origin over $family, by name and without one', async ({ address, client }) => {
      const sallyport = await start(intercept, 'without_sni: original');
      const original = address.includes(':') ? `[${address}]:443` : `${address}:443`;
      expect(await lab.fetch('client', ...named('origin.test', address))).toMatchObject({ name: 'origin.test' });
      await sallyport.tunnel({ host: 'origin.test', port: 443, rule: 'names', client, original, outcome: 'ok' });
      const literal = address.includes(':') ? `[${address}]` : address;
      expect(await lab.fetch('client', `https://${literal}/`)).toMatchObject({ name: false, to: address });
      await sallyport.tunnel({ host: address, port: 443, rule: 'addresses', client, original, outcome: 'ok' });
    });

    it.runIf(isNative)('reach an origin over both families by one door, and never by its own address', async () => {
      const sallyport = await startAt('"[::]:8443"', intercept, 'dual_stack: true', 'dial: original');
      for (const [address, client, original] of [
        [ORIGIN.ipv4, CLIENT.ipv4, `${ORIGIN.ipv4}:443`],
        [ORIGIN.ipv6, CLIENT.ipv6, `[${ORIGIN.ipv6}]:443`],
      ] as const) {
        expect(await lab.fetch('client', ...named('origin.test', address))).toMatchObject({ to: address });
        await sallyport.tunnel({ client, original, outcome: 'ok' });
      }
      const door = ['--connect-to', `origin.test:443:${GATEWAY.ipv4}:8443`];
      await expect(lab.fetch('client', 'https://origin.test/', ...door)).rejects.toThrow('alert internal error');
      await sallyport.tunnel({ reason: 'loop', original: `${GATEWAY.ipv4}:8443` });
    });

    it('are served on the gateway itself too, and the dials of the proxy are not taken for theirs', async () => {
      const sallyport = await start(intercept);
      expect(await lab.fetch('gateway', ...named('origin.test', ORIGIN.ipv4))).toMatchObject({ name: 'origin.test' });
      expect(await lab.fetch('gateway', ...named('origin.test', ORIGIN.ipv6))).toMatchObject({ name: 'origin.test' });
      await sallyport.tunnel({ original: `${ORIGIN.ipv4}:443`, outcome: 'ok' });
      await sallyport.tunnel({ original: `[${ORIGIN.ipv6}]:443`, outcome: 'ok' });
    });

    it('stay so where it is to be set up a second time', async () => {
      const rules = lab.rules();
      expect(() => lab.recipe(recipe, 'up')).toThrow('in force already; take them away first, with down');
      expect(lab.rules()).toEqual(rules);
      await start(intercept);
      expect(await lab.fetch('client', ...named('origin.test', ORIGIN.ipv4))).toMatchObject({ name: 'origin.test' });
    });

    it('are told at once that UDP port 443 is closed', async () => {
      const send = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.connect(("${ORIGIN.ipv4}", 443)); s.send(b"quic"); s.recv(1)`;
      expect((await lab.in('client', 'python3', '-c', send)).stderr).toContain('ConnectionRefusedError');
    });

    it('are refused as a loop when they come to the door itself', async () => {
      const sallyport = await start(intercept);
      const door = ['--connect-to', `origin.test:443:${GATEWAY.ipv4}:8443`];
      await expect(lab.fetch('client', 'https://origin.test/', ...door)).rejects.toThrow('alert internal error');
      await sallyport.tunnel({ reason: 'loop', original: `${GATEWAY.ipv4}:8443`, decision: 'deny' });
    });
  });

  const [way] = waysOfEngine.slice(-2);

  describe.skipIf(way === undefined)('with the door between them and the origin', () => {
    const { recipe, intercept } = way ?? { recipe: '', intercept: 'tproxy' };
    beforeAll(() => lab.recipe(recipe, 'up'));
    afterAll(() => lab.recipe(recipe, 'down'));

    it('are held to the rules by name and to the address rules by address', async () => {
      const sallyport = await start(intercept, 'without_sni: original', 'dial: original');
      await expect(lab.fetch('client', ...named('denied.test', ORIGIN.ipv4))).rejects.toThrow('alert access denied');
      await sallyport.tunnel({ host: 'denied.test', reason: 'policy', rule: 'no' });
      await expect(lab.fetch('client', `https://${ORIGIN.other}/`)).rejects.toThrow('alert access denied');
      await sallyport.tunnel({ host: ORIGIN.other, reason: 'policy', rule: 'default' });
      await expect(lab.fetch('client', ...named('origin.test', ORIGIN.denied))).rejects.toThrow('alert access denied');
      await sallyport.tunnel({ host: 'origin.test', reason: 'address' });
    });

    it('reach the address that they chose, with dial: original', async () => {
      await start(intercept, 'dial: original');
      expect(await lab.fetch('client', ...named('origin.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.other });
    });

    it('reach an address of the name whatever they chose, with dial: sni', async () => {
      await start(intercept);
      expect(await lab.fetch('client', ...named('ipv4.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.ipv4 });
    });

    it('are served when they speak through openssl', async () => {
      await start(intercept);
      const { caFile } = lab.certificates;
      const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error -CAfile ${caFile} -connect ${ORIGIN.ipv4}:443 -servername origin.test`;
      expect((await lab.in('client', 'sh', '-c', ask)).stdout).toContain('"name":"origin.test"');
    });

    it('are refused with a forged name by verify_sni: enforce', async () => {
      const sallyport = await start(intercept, 'verify_sni: enforce', 'dial: original');
      await expect(lab.fetch('client', ...named('origin.test', ORIGIN.other))).rejects.toThrow('alert access denied');
      await sallyport.tunnel({ reason: 'sni_mismatch', sni: 'origin.test', original: `${ORIGIN.other}:443` });
      expect(await lab.fetch('client', ...named('origin.test', ORIGIN.ipv4))).toMatchObject({ to: ORIGIN.ipv4 });
      expect(await checks()).toEqual({ mismatch: 1, match: 1 });
    });

    it('pass verify_sni: enforce with a name whose addresses rotate', async () => {
      const sallyport = await start(intercept, 'verify_sni: enforce', 'dial: original');
      await lab.setAnswers({ 'cdn.test': [['192.0.2.1'], [ORIGIN.other], ['192.0.2.2'], ['192.0.2.3']] });
      // Its first look-up says otherwise, the second one agrees; the next client finds the answer among the recent ones.
      expect(await lab.fetch('client', ...named('cdn.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.other });
      expect(await lab.fetch('client', ...named('cdn.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.other });
      await expect(lab.fetch('client', ...named('cdn.test', ORIGIN.ipv4))).rejects.toThrow('alert access denied');
      await sallyport.tunnel({ reason: 'sni_mismatch', sni: 'cdn.test' });
      expect(await lab.fetch('client', ...named('cdn.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.other });
      expect(await checks()).toEqual({ match: 3, mismatch: 1 });
    });

    it('are only counted and remarked upon by verify_sni: report', async () => {
      const sallyport = await start(intercept, 'verify_sni: report', 'dial: original', 'without_sni: original');
      expect(await lab.fetch('client', ...named('origin.test', ORIGIN.other))).toMatchObject({ to: ORIGIN.other });
      const detail = `origin.test does not resolve to ${ORIGIN.other}, where the client was going.`;
      await sallyport.tunnel({ outcome: 'ok', detail });
      await lab.fetch('client', `https://${ORIGIN.ipv4}/`);
      await lab.in('client', 'sh', '-c', `printf 'no TLS, and no HTTP\\n' | curl -s telnet://${ORIGIN.ipv4}:443`);
      await sallyport.tunnel({ reason: 'not_tls' });
      expect(await checks()).toEqual({ mismatch: 1, absent: 1, not_tls: 1 });
    });

    it.runIf(isNative && intercept === 'tproxy')('show the origin their own address with source: client', async () => {
      await start(intercept, 'source: client', 'dial: original', 'without_sni: original');
      const viaName = await lab.fetch('client', ...named('origin.test', ORIGIN.ipv4));
      expect(viaName).toMatchObject({ from: CLIENT.ipv4 });
      expect(await lab.fetch('client', `https://[${ORIGIN.ipv6}]/`)).toMatchObject({ from: CLIENT.ipv6 });
    });

    it('show the origin the address of the gateway otherwise', async () => {
      await start(intercept);
      expect(await lab.fetch('client', ...named('ipv4.test', ORIGIN.ipv4))).toMatchObject({ from: '10.77.2.1' });
    });
  });

  /** `sni_checks_total` by result, where there were any. */
  async function checks(): Promise<Record<string, number>> {
    const { stdout } = await lab.in('gateway', 'curl', '-s', 'http://127.0.0.1:9128/metrics');
    const samples = stdout.matchAll(/^sallyport_sni_checks_total\{listener="gateway",result="(\w+)"\} ([1-9]\d*)$/gm);
    return Object.fromEntries([...samples].map(([, result = '', count]) => [result, Number(count)]));
  }
});
