/** `runtime.reload_tunnels: recheck`, and `runtime.watch`: what changes in a file reaches tunnels that are up. */
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, it } from 'vitest';
import { testedRuntime } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let echo: Origin;
afterEach(async () => {
  await proxy.stop();
  echo.close();
});

interface File {
  readonly runtime: string;
  readonly rules?: string;
  readonly allow?: string;
  readonly auth?: string;
  /** Further keys of the policy. */
  readonly policy?: string;
}

function fileText({ runtime, rules = '', allow = 'loopback', auth = '', policy = '' }: File): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0"${auth} }
admin: { bind: "127.0.0.1:0" }
dns: { hosts: { "one.test": ["127.0.0.1"], "two.test": ["127.0.0.1"] } }
runtime: ${testedRuntime().replace('}', `, ${runtime} }`)}
policy:
  default: allow
  rules: [${rules}]
  destinations: { allow: [${allow}] }
  ${policy}
`;
}

async function tunnelTo(host: string, credentials?: string): Promise<Client> {
  const client = await openClient(proxy.port('explicit'));
  const login = credentials ? `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n` : '';
  client.socket.write(`CONNECT ${host}:${echo.port} HTTP/1.1\r\n${login}\r\n`);
  expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
  return client;
}

async function goesOn(client: Client): Promise<void> {
  client.socket.write('still here');
  await client.hears('still here');
  client.socket.destroy();
}

async function start(file: File, files: Readonly<Record<string, string>> = {}): Promise<void> {
  echo = await echoOrigin();
  proxy = await startSallyport(fileText(file), { files });
}

const recheck = 'reload_tunnels: recheck';
const denyTwo = '{ name: no-two, action: deny, hosts: [two.test] }';

describe('reload_tunnels', () => {
  it('keeps tunnels that the new rules deny, unless told otherwise', async () => {
    await start({ runtime: 'reload_tunnels: keep' });
    const two = await tunnelTo('two.test');
    expect(await proxy.reload(fileText({ runtime: 'reload_tunnels: keep', rules: denyTwo }))).toMatchObject({
      msg: 'reloaded',
    });
    await goesOn(two);
  });

  it.each([
    ['a name', { rules: denyTwo }, 'two.test'],
    ['a literal', { rules: '{ name: no, action: deny, networks: [127.0.0.1/32] }' }, '127.0.0.1'],
  ])('ends those to %s that is denied now, with the reason policy, and no other', async (_, rules, host) => {
    await start({ runtime: recheck });
    const [one, denied] = [await tunnelTo('one.test'), await tunnelTo(host)];
    await proxy.reload(fileText({ runtime: recheck, ...rules }));
    expect((await denied.ended()).wasReset).toBe(false);
    expect(await proxy.tunnel({ host })).toMatchObject({ reason: 'policy', outcome: 'ok' });
    await proxy.line({ msg: 'live tunnels rechecked', tunnels: 2, ended: 1 });
    await goesOn(one);
  });

  it('ends those to an address, or at a port, that is denied now', async () => {
    await start({ runtime: recheck });
    const byAddress = await tunnelTo('one.test');
    await proxy.reload(fileText({ runtime: recheck, allow: '' }));
    await byAddress.ended();
    await proxy.tunnel({ host: 'one.test', reason: 'policy' });
    await proxy.reload(fileText({ runtime: recheck }));
    const byPort = await tunnelTo('one.test');
    const rules = `{ name: no-port, action: deny, ports: [${echo.port}] }`;
    await proxy.reload(fileText({ runtime: recheck, rules }));
    await byPort.ended();
  });

  it.each([
    { where: 'of a rule', trial: { rules: denyTwo.replace(' }', ', report_only: true }') } },
    { where: 'of the listener', trial: { rules: denyTwo, auth: ', report_only: true' } },
    { where: 'of the policy', trial: { rules: denyTwo, policy: 'report_only: true' } },
  ])('ends none that the report_only $where lets pass, until that is gone', async ({ trial }) => {
    await start({ runtime: recheck });
    const two = await tunnelTo('two.test');
    await proxy.reload(fileText({ runtime: recheck, ...trial }));
    await proxy.line({ msg: 'live tunnels rechecked', tunnels: 1, ended: 0 });
    const another = await tunnelTo('two.test');
    await proxy.reload(fileText({ runtime: recheck, rules: denyTwo }));
    await Promise.all([two.ended(), another.ended()]);
    expect(await proxy.tunnel({ decision: 'allow' })).toMatchObject({ rule: 'default', reason: 'policy' });
    const reported = { reason: 'policy', outcome: 'ok', decision: 'report', would_deny: 'no-two' };
    expect(await proxy.tunnel({ decision: 'report' })).toMatchObject(reported);
  });

  it('ends those of a user who is no more, when the users file has changed', async () => {
    const file = { runtime: `${recheck}, watch: true`, auth: ', auth: { users_file: users }' };
    const [ann, bob] = ['ann', 'bob'].map((name) => `${name}:${hashSync('secret', 4)}\n`);
    await start(file, { users: `${ann}${bob}` });
    const [ofAnn, ofBob] = [await tunnelTo('one.test', 'ann:secret'), await tunnelTo('one.test', 'bob:secret')];
    writeFileSync(join(proxy.folder, 'new'), String(bob));
    renameSync(join(proxy.folder, 'new'), join(proxy.folder, 'users'));
    await ofAnn.ended();
    expect(await proxy.tunnel({ user: 'ann' })).toMatchObject({ reason: 'policy' });
    await goesOn(ofBob);
  });

  it('judges again who was on the way while the rules changed', async () => {
    await start({ runtime: recheck });
    const late = await openClient(proxy.port('explicit'));
    late.socket.write('CONNECT ');
    const begun = (): Promise<number | undefined> => proxy.metric('handshakes_active{listener="explicit"}');
    await expect.poll(begun, { timeout: 30_000 }).toBe(1);
    await proxy.reload(fileText({ runtime: recheck, rules: denyTwo }));
    late.socket.write(`two.test:${echo.port} HTTP/1.1\r\n\r\n`);
    await late.ended();
    expect(await proxy.tunnel({ host: 'two.test' })).toMatchObject({ reason: 'policy' });
  });
});

describe('watch', () => {
  it('reloads when a link above the file is exchanged, as a ConfigMap is', async () => {
    await start({ runtime: 'watch: true' });
    const inFolder = (name: string): string => join(proxy.folder, name);
    const version = (name: string, rules: string): void => {
      mkdirSync(inFolder(name));
      writeFileSync(join(inFolder(name), 'sallyport.yaml'), fileText({ runtime: 'watch: true', rules }));
      symlinkSync(name, inFolder('..data_tmp'));
      renameSync(inFolder('..data_tmp'), inFolder('..data'));
    };
    version('..1', '');
    unlinkSync(proxy.configFile);
    symlinkSync('..data/sallyport.yaml', proxy.configFile);
    await proxy.line({ msg: 'reloaded' });
    const before = proxy.lines.length;
    version('..2', denyTwo);
    await proxy.line({ msg: 'reloaded' }, before);
    expect(await proxy.metric('config_reloads_total{result="success"}')).toBe(2);
  });

  it('tells of a file that is unfit once, and takes the next', async () => {
    await start({ runtime: 'watch: true' });
    writeFileSync(proxy.configFile, 'nonsense');
    await proxy.line({ msg: 'reload failed' });
    writeFileSync(proxy.configFile, fileText({ runtime: 'watch: true', rules: denyTwo }));
    await proxy.line({ msg: 'reloaded' });
    expect(proxy.lines.filter(({ msg }) => msg === 'reload failed')).toHaveLength(1);
  });
});
