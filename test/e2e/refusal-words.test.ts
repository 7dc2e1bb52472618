/** What a denial says: the same at every door, in the log and in `explain`, and no more to a client than it may know. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { ask, echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { type LogLine, type Running, sallyport, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let echo: Origin;

/** Clients of 127.0.0.1 are told all, those of 127.0.0.2 no more than they must be. */
const policy = `policy:
  message: "Ask in #egress."
  hints: [127.0.0.1]
  rules:
    - { name: trial, action: deny, hosts: [tried.test], report_only: true }
    - { name: no-ads, action: deny, hosts: [ads.test] }
    - { name: uploads, action: deny, hosts: [up.test], message: "{host} is closed to {client} ({rule}, {id})." }
    - { name: web, action: allow, hosts: [www.test, tried.test, private.test, origin.test], ports: [1-79, 81-65535] }
  destinations: { allow: [127.0.0.1] }`;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(
    configText({
      policy,
      explicit: ['http: forward'],
      transparent: ['http: forward', `port: ${echo.port}`],
      hosts: { 'private.test': ['10.1.2.3'], 'tried.test': ['127.0.0.1'] },
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

/** What the client hears, and what the log says of it. */
async function refusal(host: string, how: Door, client = '127.0.0.1'): Promise<{ heard: string; line: LogLine }> {
  const before = proxy.lines.length;
  const { listener, words } = DOORS[how];
  const heard = await askFrom(client, proxy.port(listener), words(host));
  return { heard, line: await proxy.line({ msg: 'tunnel', host, client }, before) };
}

const plain = (target: string, host: string): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

const DOORS = {
  CONNECT: { listener: 'explicit', words: (host: string) => `CONNECT ${host}:8443 HTTP/1.1\r\n\r\n` },
  'absolute-form': { listener: 'explicit', words: (host: string) => plain(`http://${host}:8443/`, host) },
  Host: { listener: 'transparent', words: (host: string) => plain('/', `${host}:8443`) },
  SNI: { listener: 'transparent', words: (host: string) => helloFor(host) },
} as const;

type Door = keyof typeof DOORS;

async function askFrom(client: string, port: number, words: string | Uint8Array): Promise<string> {
  const asking = await openClient(port, '127.0.0.1', client);
  asking.socket.write(words);
  const { bytes } = await asking.ended();
  asking.socket.destroy();
  return bytes.toString('latin1');
}

const HTTP_DOORS = ['CONNECT', 'absolute-form', 'Host'] as const;

describe('a denial', () => {
  const near = 'No rule allows api.www.test:8443: api.www.test is not allowed; www.test is. Ask in #egress.';

  it.each(HTTP_DOORS)('has the same words by %s, in the log and in explain', async (how) => {
    const { heard, line } = await refusal('api.www.test', how);
    expect(heard.split('\r\n')[0]).toBe(`HTTP/1.1 403 Forbidden (${near})`);
    expect(heard).toContain(`\r\n\r\n${near} (policy, tunnel ${String(line['id'])}).`);
    expect(line).toMatchObject({ detail: near, rule: 'default', decision: 'deny', reason: 'policy' });
  });

  it('has them in the log where the client hears an alert', async () => {
    const { heard, line } = await refusal('api.www.test', 'SNI');
    expect(Buffer.from(heard, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 49));
    expect(line['detail']).toBe(near.replace('8443', String(echo.port)));
  });

  it('is explained so', async () => {
    const asked = ['--client', '127.0.0.1', '--to', 'api.www.test:8443'];
    const { stdout, code } = await sallyport(['explain', '--config', proxy.configFile, ...asked]);
    expect(stdout.split('\n')[0]).toBe(`denied: ${near} (reason policy)`);
    expect(code).toBe(3);
  });

  it.each(HTTP_DOORS)('names no rule and no near miss by %s to who is not in hints', async (how) => {
    const { heard, line } = await refusal('ads.test', how, '127.0.0.2');
    expect(heard).toMatch(/^HTTP\/1\.1 403 Forbidden \(No rule allows ads\.test:8443\. Ask in #egress\.\)\r\n/);
    expect(heard).not.toContain('no-ads');
    expect(line).toMatchObject({ detail: 'The rule no-ads denies ads.test:8443. Ask in #egress.', rule: 'no-ads' });
  });

  it('says in JSON which rule it was, to who is in hints', async () => {
    const json = (host: string): string => `CONNECT ${host}:8443 HTTP/1.1\r\nAccept: application/json\r\n\r\n`;
    const problem = async (client: string): Promise<unknown> =>
      JSON.parse((await askFrom(client, proxy.port('explicit'), json('ads.test'))).split('\r\n\r\n')[1] ?? '');
    const common = { type: 'about:blank', title: 'Forbidden', status: 403, reason: 'policy', listener: 'explicit' };
    const to = { host: 'ads.test', port: 8443, remedy: 'Ask in #egress.' };
    expect(await problem('127.0.0.1')).toMatchObject({ ...common, ...to, rule: 'no-ads' });
    expect(await problem('127.0.0.2')).not.toHaveProperty('rule');
  });

  it('says what its rule says in place of it', async () => {
    const { heard, line } = await refusal('up.test', 'CONNECT', '127.0.0.2');
    const sentence = `up.test is closed to 127.0.0.2 (uploads, ${String(line['id'])}). Ask in #egress.`;
    expect(heard).toContain(`403 Forbidden (${sentence})\r\n`);
    expect(line['detail']).toBe(sentence);
  });
});

describe('a refusal by address', () => {
  it.each(HTTP_DOORS)('tells no client the addresses of a name, by %s', async (how) => {
    const { heard, line } = await refusal('private.test', how);
    expect(heard).toContain(
      '403 Forbidden (private.test:8443 may not be dialled: none of its addresses is allowed. Ask in #egress.)\r\n',
    );
    expect(heard).not.toContain('10.1.2.3');
    expect(line['detail']).toBe(
      'private.test:8443 may not be dialled: 10.1.2.3 is special: private use (RFC 1918). Ask in #egress.',
    );
  });
});

describe('a rule under report_only', () => {
  it.each(['CONNECT', 'SNI'] as const)('lets pass by %s, and is noted and counted', async (how) => {
    const { listener, words } = DOORS[how];
    const before = proxy.lines.length;
    const counted = await proxy.metric('policy_decisions_total{rule="trial",decision="report"}');
    const client = await openClient(proxy.port(listener));
    const request = words('tried.test');
    client.socket.write(typeof request === 'string' ? request.replace('8443', String(echo.port)) : request);
    await client.hears(1);
    client.socket.destroy();
    const line = await proxy.line({ msg: 'tunnel', host: 'tried.test' }, before);
    expect(line).toMatchObject({ outcome: 'ok', rule: 'web', decision: 'report', would_deny: 'trial' });
    expect(await proxy.metric('policy_decisions_total{rule="trial",decision="report"}')).toBe((counted ?? 0) + 1);
  });

  it('is shown by explain', async () => {
    const asked = ['--client', '127.0.0.1', '--to', 'tried.test:8443'];
    const { stdout, code } = await sallyport(['explain', '--config', proxy.configFile, ...asked]);
    expect(stdout.split('\n')[0]).toBe('allowed, though rule trial would deny it (report only)');
    expect(stdout).toContain('trial matches and would deny, but it is report_only\n');
    expect(code).toBe(0);
  });
});

describe('a reload', () => {
  it('of a file with a test that fails changes nothing, and says which', async () => {
    const running = await startSallyport(configText());
    const failing = configText({ more: 'tests: [{ client: 192.0.2.1, to: "origin.test:443", expect: allow }]' });
    const told = await running.reload(failing);
    expect(told).toMatchObject({ msg: 'reload failed' });
    expect(String(told['problems'])).toContain('tests[0]: expected allow, but the default decides: deny');
    expect(await running.reload(failing.replace('192.0.2.1', '127.0.0.1'))).toMatchObject({ msg: 'reloaded' });
    await running.stop();
  });
});

describe('a listener under report_only', () => {
  it('denies nothing by rules, and its neighbour does', async () => {
    const reporting = await startSallyport(
      configText({
        transparent: ['report_only: true', `port: ${echo.port}`],
        policy: `policy: { destinations: { allow: [127.0.0.1] } }`,
      }),
    );
    const client = await openClient(reporting.port('transparent'));
    client.socket.write(helloFor('origin.test'));
    await client.hears(1);
    client.socket.destroy();
    expect(await reporting.tunnel({ listener: 'transparent' })).toMatchObject({
      outcome: 'ok',
      decision: 'report',
      rule: 'default',
      would_deny: 'default',
    });
    const heard = await ask(reporting.port('explicit'), `CONNECT origin.test:${echo.port} HTTP/1.1\r\n\r\n`);
    expect(heard).toMatch(/^HTTP\/1\.1 403 /);
    await reporting.stop();
  });
});
