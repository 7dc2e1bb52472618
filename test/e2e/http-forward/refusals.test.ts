/** What plain HTTP is refused for, and how it hears of it. */
import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask } from '../harness/peers.ts';
import { startSallyport } from '../harness/sallyport.ts';
import { forwarding, get, useHttpStage } from './stage.ts';

const stage = useHttpStage();

describe('a request that is refused', () => {
  it.each([
    { what: 'absolute-form of https', head: 'GET https://origin.test/ HTTP/1.1', why: 'CONNECT host:port' },
    { what: 'no absolute-form', head: 'GET / HTTP/1.1', why: 'absolute-form' },
    {
      what: 'a host that is user information to others',
      head: 'GET http://a\\@origin.test/ HTTP/1.1',
      why: 'user information',
    },
    { what: 'an address in disguise', head: 'GET http://0x7f.1/ HTTP/1.1', why: 'write 127.0.0.1' },
    { what: 'two Hosts', head: 'GET http://origin.test/ HTTP/1.1\r\nHost: b', why: 'two Host' },
    {
      what: 'gzip beneath chunks',
      head: 'POST http://origin.test/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked',
      why: 'chunked',
    },
    {
      what: 'a length and chunks',
      head: 'POST http://origin.test/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked',
      why: '',
    },
    { what: 'obs-fold', head: 'GET http://origin.test/ HTTP/1.1\r\nX: a\r\n b', why: 'obs-fold' },
  ])('gets 400 for $what', async ({ head, why }) => {
    const heard = await ask(
      stage.proxy.port('explicit'),
      `${head}\r\nHost: a\r\n\r\n${get(stage.at('/behind-a-400'))}`,
    );
    expect(heard).toMatch(/^HTTP\/1\.1 400 [^]*\r\nProxy-Status: sallyport; error=http_request_error; /);
    expect(heard).toContain(why);
    expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(stage.reached('/behind-a-400')).toBeUndefined();
  });

  it.each([
    { what: 'a name that does not resolve', url: 'http://nowhere.invalid/', status: 502, error: 'dns_error' },
    { what: 'an address that is denied', url: 'http://private.test/', status: 403, error: 'destination_ip_prohibited' },
    { what: 'a denied name', url: 'http://denied.test/', status: 403, error: 'http_request_denied' },
  ])('gets $status for $what', async ({ url, status, error }) => {
    const heard = await ask(stage.proxy.port('explicit'), get(url));
    expect(heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nProxy-Status: sallyport; error=${error}; `));
  });

  it('gets 502 for one of our own doors', async () => {
    const heard = await ask(stage.proxy.port('explicit'), get(`http://127.0.0.1:${stage.proxy.port('admin')}/metrics`));
    expect(heard).toMatch(/^HTTP\/1\.1 502 [^]*error=proxy_loop_detected/);
  });

  it('gets the same answers on the transparent door', async () => {
    const door = stage.proxy.port('transparent');
    expect(await ask(door, `GET / HTTP/1.1\r\nHost: denied.test:${stage.port}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(door, 'GET / HTTP/1.1\r\nX: y\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*no Host field/);
    expect(await ask(door, 'GET / HTTP/1.1\r\nHost : a\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask(door, 'GET / HTTP/1.1\r\nHost: a')).toMatch(/^HTTP\/1\.1 408 /);
    expect(await ask(door, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('goes no further than Max-Forwards, and not round in circles', async () => {
    const options = `OPTIONS ${stage.at('/')} HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nAccept: application/json\r\n\r\n`;
    const heard = await ask(stage.proxy.port('explicit'), options);
    expect(heard).toMatch(/^HTTP\/1\.1 405 [^]*\r\nAllow: GET, [^]*"remedy":"Raise Max-Forwards, or leave it out\."/);
    await stage.proxy.tunnel({ reason: 'method', host: 'origin.test', port: stage.port });
    const circling = get(stage.at('/'), ...Array<string>(8).fill('Via: 1.1 sallyport'));
    expect(await ask(stage.proxy.port('explicit'), circling)).toMatch(/^HTTP\/1\.1 502 [^]*\(loop, /);
    const line = await stage.proxy.tunnel({ reason: 'loop', host: 'origin.test' });
    expect(line).toMatchObject({ port: stage.port, rule: 'tests', decision: 'deny' });
  });

  it('is not told of a circle before its rules are asked', async () => {
    const circling = get('http://denied.test/', ...Array<string>(8).fill('Via: 1.1 sallyport'));
    expect(await ask(stage.proxy.port('explicit'), circling)).toMatch(/^HTTP\/1\.1 403 [^]*\(policy, /);
  });
});

describe('a client that ends its side behind its request', () => {
  it.each([
    { door: 'explicit', request: () => get('http://denied.test/') },
    { door: 'transparent', request: () => `GET / HTTP/1.1\r\nHost: denied.test:${stage.port}\r\n\r\n` },
  ])('hears why it is refused at the $door door, and the log says so', async ({ door, request }) => {
    const before = stage.proxy.lines.length;
    const client = await stage.connect(door);
    client.socket.end(request());
    expect((await client.ended()).bytes.toString()).toMatch(/^HTTP\/1\.1 403 /);
    const line = await stage.proxy.line({ msg: 'tunnel', listener: door, reason: 'policy' }, before);
    expect(line).toMatchObject({ status: 403, host: 'denied.test' });
  });
});

describe('a door that asks for credentials', () => {
  const auth = ['http: forward', 'auth: { users_file: users.htpasswd, realm: builds }'];
  const basic = (text: string): string => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`;

  it('asks for them with every request, and knows by them whose it is', async () => {
    const files = { 'users.htpasswd': `alice:${hashSync('secret', 4)}\n` };
    const asking = await startSallyport(configText({ ...forwarding, explicit: auth }), { files });
    const requests = [
      get(stage.at('/with'), basic('alice:secret')),
      get(stage.at('/without')),
      get(stage.at('/behind')),
    ];
    const heard = await ask(asking.port('explicit'), requests.join(''));
    expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 407 [^]*\r\nProxy-Authenticate: Basic realm="builds"/);
    expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(2);
    expect(stage.reached('/without')).toBeUndefined();
    expect(await asking.tunnel({ status: 200 })).toMatchObject({ user: 'alice' });
    expect(await asking.tunnel({ status: 407 })).toMatchObject({ reason: 'auth', outcome: 'refused' });
    await asking.stop();
  });
});
