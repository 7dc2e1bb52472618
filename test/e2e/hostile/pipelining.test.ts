/** What comes behind a refused request is nobody's: not parsed, not answered, not dialled (EDGE: request smuggling). */
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { clientHello, helloFor } from '../harness/hello.ts';
import { ask, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let proxy: Running;
let origin: Origin;
let originClients = 0;

beforeAll(async () => {
  origin = await tcpOrigin(() => (originClients += 1));
  proxy = await startSallyport(
    configText({
      policy: `policy:
  rules:
    - { name: forbidden, action: deny, hosts: ["forbidden.test"] }
    - { name: tests, action: allow, clients: [loopback] }
  destinations: { allow: [127.0.0.1] }`,
      hosts: { 'forbidden.test': ['127.0.0.1'], 'private.test': ['10.1.2.3'] },
      transparent: [`port: ${origin.port}`, 'ech: deny'],
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

const connectTo = (authority: string, fields = ''): string => `CONNECT ${authority} HTTP/1.1\r\n${fields}\r\n`;
const goodRequest = (): string => connectTo(`127.0.0.1:${origin.port}`);

const refused = [
  { status: 400, why: 'a target without a port', request: connectTo('a.test') },
  { status: 400, why: 'a body', request: connectTo('a.test:443', 'Content-Length: 5\r\n') },
  { status: 400, why: 'chunks', request: connectTo('a.test:443', 'Transfer-Encoding: chunked\r\n') },
  { status: 405, why: 'a GET', request: 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n' },
  { status: 405, why: 'a POST with a body', request: 'POST http://a.test/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello' },
  { status: 403, why: 'a rule', request: connectTo('forbidden.test:443') },
  { status: 403, why: 'an address', request: connectTo('private.test:443') },
  { status: 502, why: 'no such name', request: connectTo('nowhere.invalid:443') },
  { status: 431, why: 'a head that is too large', request: connectTo('a.test:443', `X: ${'x'.repeat(17_000)}\r\n`) },
] as const;

describe('behind a refused request', () => {
  it.each(refused)('nothing is read ($status, $why)', async ({ status, request }) => {
    const answer = await answersTo('explicit', request, goodRequest());
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('\r\nConnection: close\r\n');
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(originClients).toBe(0);
  });

  it.each([
    { alert: 50, why: 'malformed', hello: helloFor('a..test') },
    { alert: 49, why: 'a rule', hello: helloFor('forbidden.test') },
    { alert: 49, why: 'an address', hello: helloFor('private.test') },
    { alert: 109, why: 'no name', hello: clientHello(new Map()) },
    { alert: 112, why: 'no such name', hello: helloFor('nowhere.invalid') },
  ])('no further ClientHello is read (alert $alert, $why)', async ({ alert, hello }) => {
    const answer = await answersTo('transparent', hello, helloFor('origin.test'));
    expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, alert));
    expect(originClients).toBe(0);
  });

  it('no better credentials are read (407)', async () => {
    const guarded = await startSallyport(configText({ explicit: ['auth: { users_file: users.htpasswd }'] }), {
      files: { 'users.htpasswd': `ci:${hashSync('secret', 4)}\n` },
    });
    const credentials = `Proxy-Authorization: Basic ${Buffer.from('ci:secret').toString('base64')}\r\n`;
    const good = connectTo(`127.0.0.1:${origin.port}`, credentials);
    const answer = await ask(guarded.port('explicit'), goodRequest() + good);
    expect(answer).toMatch(/^HTTP\/1\.1 407 [^]*\r\nConnection: close\r\n/);
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(originClients).toBe(0);
    // Alone, the same request would have been served.
    const client = await openClient(guarded.port('explicit'));
    client.socket.write(good);
    expect((await client.hears('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.resetAndDestroy(); // A FIN alone would leave the tunnel open: this origin never ends.
    await guarded.stop();
    originClients = 0;
  });

  /** Sends `first` and `second` in one piece, and `second` once more when there is an answer. */
  async function answersTo(door: string, first: string | Buffer, second: string | Buffer): Promise<string> {
    const before = proxy.lines.length;
    const client = await openClient(proxy.port(door));
    client.socket.write(Buffer.concat([Buffer.from(first), Buffer.from(second)]));
    await client.hears(1);
    client.socket.write(second);
    const { bytes } = await client.ended();
    client.socket.destroy();
    await proxy.line({ msg: 'tunnel', listener: door }, before);
    expect(proxy.lines.slice(before).filter(({ msg }) => msg === 'tunnel')).toHaveLength(1);
    return bytes.toString('latin1');
  }
});
