/** Real parents: tunnels by them, their refusals, and their ends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText, testedRuntime } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin } from '../harness/peers.ts';
import { isInstalled } from '../harness/programs.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';
import { danted, microsocks, squid, tinyproxy } from './launches.ts';
import { type Launch, type OtherProxy, type Place, startProxy } from './other-proxy.ts';

let echo: Origin;

beforeAll(async () => {
  echo = await echoOrigin();
});

afterAll(() => echo.close());

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

interface Case {
  readonly name: string;
  readonly program: string;
  readonly launch: (place: Place) => Launch;
  readonly type: 'http' | 'socks5';
  readonly login?: string;
  /** A name that it resolves by itself, and a port that it refuses. */
  readonly host: string;
  readonly refused: RegExp;
}

const LOGIN = 'username: us, password: pw';

const cases: readonly Case[] = [
  {
    name: 'Squid',
    program: 'squid',
    launch: squid('acl bad port 9\nhttp_access deny bad'),
    type: 'http',
    host: 'origin.test',
    refused: /answered 403/,
  },
  {
    name: 'tinyproxy with a login',
    program: 'tinyproxy',
    launch: tinyproxy('BasicAuth us pw'),
    type: 'http',
    login: LOGIN,
    host: 'localhost',
    refused: /answered 500/,
  },
  {
    name: 'microsocks with a login',
    program: 'microsocks',
    launch: microsocks(['us', 'pw']),
    type: 'socks5',
    login: LOGIN,
    host: 'localhost',
    refused: /answered 5: connection refused/,
  },
  {
    name: 'Dante',
    program: 'danted',
    launch: danted,
    type: 'socks5',
    host: 'localhost',
    refused: /answered 2: not allowed/,
  },
];

describe.each(cases)('by $name', ({ program, launch, type, login, host, refused }) => {
  const isThere = isInstalled(program);
  let parent: OtherProxy | undefined;
  let proxy: Running | undefined;

  beforeAll(async () => {
    if (!isThere) return;
    parent = await startProxy(launch);
    const credentials = login === undefined ? '' : `, ${login}`;
    proxy = await startSallyport(
      configText({
        transparent: [`port: ${echo.port}`],
        more: `egress: [{ name: corp, type: ${type}, address: "127.0.0.1:${parent.port}"${credentials} }]
default_egress: corp`,
      }),
    );
  });

  afterAll(async () => {
    await proxy?.stop();
    await parent?.stop();
  });

  it.skipIf(!isThere)('tunnels go both ways to a name that only the parent resolves', async () => {
    const client = await openTunnel(proxy?.port('explicit') ?? 0, `${host}:${echo.port}`);
    expect(client.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
    const sent = 'x'.repeat(200_000);
    client.socket.write(sent);
    // A parent may know of no half-closes.
    await client.hears(sent.length + 'HTTP/1.1 200 Connection Established\r\n\r\n'.length);
    client.socket.end();
    await client.ended();
    const line = await proxy?.tunnel({ outcome: 'ok', host });
    expect(line).toMatchObject({ egress: 'corp', upstream: `127.0.0.1:${parent?.port}`, bytes_up: sent.length });
    expect(await proxy?.metric('egress_attempts_total{egress="corp",result="ok"}')).toBeGreaterThan(0);
    expect(await proxy?.metric('egress_up{egress="corp"}')).toBe(1);
  });

  it.skipIf(!isThere)('a ClientHello goes the same way', async () => {
    const client = await openClient(proxy?.port('transparent') ?? 0);
    const hello = helloFor(host);
    client.socket.write(hello);
    expect(await client.hears(hello.length)).toEqual(hello);
    client.socket.destroy();
  });

  it.skipIf(!isThere)('what it refuses is told apart', async () => {
    const answer = await ask(proxy?.port('explicit') ?? 0, connect(`${host}:9`));
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    const line = await proxy?.tunnel({ reason: 'egress' });
    expect(line?.['detail']).toMatch(refused);
    expect(line?.['upstream']).toBe(`127.0.0.1:${parent?.port}`);
    expect(await proxy?.metric('egress_attempts_total{egress="corp",result="refused"}')).toBe(1);
    expect(await proxy?.metric('egress_up{egress="corp"}')).toBe(1);
  });

  it.skipIf(!isThere)('address rules hold for literals', async () => {
    expect(await ask(proxy?.port('explicit') ?? 0, connect('10.1.2.3:443'))).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('by another Sallyport', () => {
  it('tunnels go on, and one that leads back here is a loop', async () => {
    const parent = await startSallyport(configText());
    const near = (port: number): string =>
      configText({ more: `egress: [{ name: far, type: http, address: "127.0.0.1:${port}" }]\ndefault_egress: far` });
    const proxy = await startSallyport(near(parent.port('explicit')));
    const client = await openTunnel(proxy.port('explicit'), `origin.test:${echo.port}`);
    client.socket.write('there');
    await client.hears('there');
    client.socket.destroy();
    await parent.tunnel({ outcome: 'ok' });

    // Round in a circle: the parent's way out is this proxy.
    await parent.reload(near(proxy.port('explicit')));
    const answer = await ask(proxy.port('explicit'), connect(`origin.test:${echo.port}`));
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    await proxy.tunnel({ reason: 'loop' });
    await Promise.all([proxy.stop(), parent.stop()]);
  });

  it('a parent that is this very program is a loop', async () => {
    const door = 21_000 + Math.floor(Math.random() * 9_000);
    const proxy = await startSallyport(`listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:${door}" }]
admin: { bind: "127.0.0.1:0" }
runtime: ${testedRuntime()}
policy: { default: allow }
egress: [{ name: self, type: http, address: "localhost:${door}" }]
default_egress: self
`);
    const answer = await ask(proxy.port('explicit'), connect('far.example:443'));
    expect(answer).toContain('error=proxy_loop_detected');
    await proxy.stop();
  });
});
