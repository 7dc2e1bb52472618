/** Plain HTTP by parents: in absolute-form to an HTTP proxy, straight through a SOCKS one. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask, tcpOrigin } from '../harness/peers.ts';
import { isInstalled } from '../harness/programs.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';
import { microsocks, squid, tinyproxy } from './launches.ts';
import { type OtherProxy, startProxy } from './other-proxy.ts';

const origin = createServer((request, response) => {
  request.resume();
  response.end(`${request.method} ${request.url} for ${request.headers.host} ${request.headers.cookie ?? ''}`);
});
let port = 0;

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  port = (origin.address() as AddressInfo).port; // A TCP server that listens has one.
});

afterAll(() => {
  origin.close();
  origin.closeAllConnections();
});

const by = (type: string, parentPort: number, more = ''): string =>
  configText({
    explicit: ['http: forward'],
    transparent: ['http: forward'],
    more: `egress: [{ name: corp, type: ${type}, address: "127.0.0.1:${parentPort}"${more} }]\ndefault_egress: corp`,
  });

const get = (target: string, host: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic c2VjcmV0\r\nConnection: close\r\n\r\n`;

describe.each([
  { name: 'Squid', program: 'squid', launch: squid(), type: 'http', login: '', host: 'origin.test' },
  {
    name: 'tinyproxy with a login',
    program: 'tinyproxy',
    launch: tinyproxy('BasicAuth us pw'),
    type: 'http',
    login: ', username: us, password: pw',
    host: 'localhost',
  },
  {
    name: 'microsocks',
    program: 'microsocks',
    launch: microsocks(undefined),
    type: 'socks5',
    login: '',
    host: 'localhost',
  },
])('by $name', ({ program, launch, type, login, host }) => {
  const isThere = isInstalled(program);
  let parent: OtherProxy | undefined;
  let proxy: Running | undefined;

  beforeAll(async () => {
    if (!isThere) return;
    parent = await startProxy(launch);
    proxy = await startSallyport(by(type, parent.port, login));
  });

  afterAll(async () => {
    await proxy?.stop();
    await parent?.stop();
  });

  it.skipIf(!isThere)('a request is answered, from either door', async () => {
    const authority = `${host}:${port}`;
    const answers = [
      await ask(proxy?.port('explicit') ?? 0, get(`http://${authority}/path?q`, authority)),
      await ask(proxy?.port('transparent') ?? 0, get('/path?q', authority)),
    ];
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(answer).toContain(`GET /path?q for ${authority}`);
    }
    expect(await proxy?.tunnel({ outcome: 'ok', listener: 'transparent' })).toMatchObject({
      egress: 'corp',
      status: 200,
    });
  });
});

describe('an HTTP parent', () => {
  it('is asked in absolute-form with credentials of ours, and its 407 is a 502 of ours', async () => {
    let head = '';
    const parent = await tcpOrigin((socket) => {
      socket.on('data', (chunk: Buffer) => {
        head += chunk.toString('latin1');
        if (head.includes('\r\n\r\n'))
          socket.end('HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n');
      });
    });
    const proxy = await startSallyport(by('http', parent.port, ', username: us, password: pw'));
    const answer = await ask(proxy.port('explicit'), get('http://far.test/a', 'other.test'));
    expect(head).toMatch(/^GET http:\/\/far\.test\/a HTTP\/1\.1\r\nHost: far\.test\r\n/);
    expect(head).toContain(`\r\nProxy-Authorization: Basic ${Buffer.from('us:pw').toString('base64')}\r\n`);
    expect(head).not.toContain('c2VjcmV0');
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).not.toContain('Proxy-Authenticate');
    const { detail } = await proxy.tunnel({ reason: 'egress', egress: 'corp', status: 502 });
    expect(detail).toBe('The egress corp answered 407 Proxy Authentication Required.');
    await proxy.stop();
    parent.close();
  });

  it.each([
    {
      what: 'closes the connection',
      does: (socket: Socket) => socket.end(),
      status: 502,
      says: 'closed the connection without an answer',
    },
    {
      what: 'resets the connection',
      does: (socket: Socket) => socket.resetAndDestroy(),
      status: 502,
      says: 'reset the connection without an answer',
    },
    { what: 'is silent', does: () => undefined, status: 504, says: 'did not answer in time' },
  ])('that takes a request and $what is to blame itself', async ({ does, status, says }) => {
    const parent = await tcpOrigin((socket) => socket.once('data', () => void does(socket)));
    const proxy = await startSallyport(`${by('http', parent.port)}\ntimeouts: { idle: 300ms }`);
    const answer = await ask(proxy.port('explicit'), get('http://far.test/a', 'far.test'));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Za-z ]+ \\(The proxy beyond this one ${says}\\)`));
    expect(answer).toContain('; error=http_upgrade_failed; ');
    expect(await proxy.tunnel({ reason: 'egress' })).toMatchObject({
      ...{ status, outcome: 'failed', egress: 'corp', detail: `The egress corp ${says}.` },
    });
    await proxy.stop();
    parent.close();
  });

  it.each([
    { what: 'closes the connection', does: (socket: Socket) => socket.end(), failures: 1, status: 502 },
    // A single silence may be the destination's.
    { what: 'is silent', does: () => undefined, failures: 3, status: 504 },
  ])('that $what is passed by for the next of a list afterwards, as it is for a CONNECT', async (parent) => {
    const { does, failures, status } = parent;
    const bad = await tcpOrigin((socket) => socket.once('data', () => void does(socket)));
    const good = await tcpOrigin((socket) => socket.once('data', () => socket.end('HTTP/1.1 204 OK\r\n\r\n')));
    const proxy = await startSallyport(
      configText({
        explicit: ['http: forward'],
        more: `egress:
  - { name: bad, type: http, address: "127.0.0.1:${bad.port}" }
  - { name: good, type: http, address: "127.0.0.1:${good.port}" }
default_egress: [bad, good]
timeouts: { idle: 300ms }`,
      }),
    );
    const once = (): Promise<string> => ask(proxy.port('explicit'), get('http://far.test/a', 'far.test'));
    for (let time = 0; time < failures; time++) expect(await once()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(await proxy.metric('egress_up{egress="bad"}')).toBe(0);
    expect(await once()).toMatch(/^HTTP\/1\.1 204 /);
    await proxy.stop();
    bad.close();
    good.close();
  });

  it('that answers in no HTTP is to blame itself', async () => {
    const parent = await tcpOrigin((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n')));
    const proxy = await startSallyport(by('http', parent.port));
    const answer = await ask(proxy.port('explicit'), get('http://far.test/a', 'far.test'));
    expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway \(The answer of the proxy beyond this one is malformed: /);
    await proxy.stop();
    parent.close();
  });
});
