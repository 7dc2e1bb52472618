/** What this is for: real clients fetch a page from a real TLS origin through both doors, certificates verified. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { clientHello, helloFor } from './harness/hello.ts';
import { ask, echoOrigin, httpsOrigin, openTunnel, type Origin, run } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const certificates = makeCertificates(['origin.test', '127.0.0.1']);
const page = 'hello from the origin\n';
let origin: Origin;
let proxy: Running;

beforeAll(async () => {
  origin = await httpsOrigin(certificates, page);
  proxy = await startSallyport(configText({ transparent: [`port: ${origin.port}`] }));
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

const curl = (...args: string[]): ReturnType<typeof run> =>
  run('curl', ['--silent', '--show-error', '--max-time', '10', '--cacert', certificates.caFile, ...args]);

describe('through the explicit door', () => {
  it('serves curl a page over CONNECT, by name', async () => {
    const answer = await curl(
      '--proxy',
      `http://127.0.0.1:${proxy.port('explicit')}`,
      `https://origin.test:${origin.port}/`,
    );
    expect(answer).toEqual({ code: 0, stdout: page, stderr: '' });
    const line = await proxy.tunnel({ listener: 'explicit', host: 'origin.test' });
    expect(line).toMatchObject({
      mode: 'connect',
      client: '127.0.0.1',
      port: origin.port,
      rule: 'tests',
      decision: 'allow',
      egress: 'direct',
      upstream: `127.0.0.1:${origin.port}`,
      status: 200,
      outcome: 'ok',
    });
  });

  it('serves curl a page over CONNECT, by address', async () => {
    const answer = await curl(
      '--proxy',
      `http://127.0.0.1:${proxy.port('explicit')}`,
      `https://127.0.0.1:${origin.port}/`,
    );
    expect(answer).toEqual({ code: 0, stdout: page, stderr: '' });
  });

  it('names an upstream of IPv6 with brackets in the log', async () => {
    const echo = await echoOrigin('::1');
    const tunnel = await openTunnel(proxy.port('explicit'), `[::1]:${echo.port}`);
    tunnel.socket.destroy();
    const line = await proxy.tunnel({ listener: 'explicit', port: echo.port });
    echo.close();
    expect(line).toMatchObject({ host: '::1', upstream: `[::1]:${echo.port}`, outcome: 'ok' });
  });

  it('serves openssl s_client', async () => {
    const args = [
      's_client',
      '-proxy',
      `127.0.0.1:${proxy.port('explicit')}`,
      '-connect',
      `origin.test:${origin.port}`,
    ];
    const verify = ['-servername', 'origin.test', '-CAfile', certificates.caFile, '-verify_return_error', '-ign_eof'];
    const answer = await run('openssl', [...args, ...verify], { input: 'GET / HTTP/1.0\r\n\r\n' });
    expect(answer.stdout).toContain('Verify return code: 0 (ok)');
    expect(answer.stdout).toContain(page);
  });

  it('tells curl with a 403 what the policy denies', async () => {
    const denying = await startSallyport(configText({ policy: 'policy: { default: deny }' }));
    const answer = await curl('--proxy', `http://127.0.0.1:${denying.port('explicit')}`, 'https://origin.test/');
    await denying.stop();
    expect(answer.code).toBe(56);
    expect(answer.stderr).toContain('403');
  });
});

describe('through the transparent door', () => {
  it('serves curl a page by SNI', async () => {
    const resolve = ['--connect-to', `origin.test:443:127.0.0.1:${proxy.port('transparent')}`];
    const answer = await curl(...resolve, 'https://origin.test/');
    expect(answer).toEqual({ code: 0, stdout: page, stderr: '' });
    const line = await proxy.tunnel({ listener: 'transparent', sni: 'origin.test' });
    expect(line).toMatchObject({ mode: 'sni', host: 'origin.test', tls: 'TLSv1.3', outcome: 'ok', rule: 'tests' });
    expect(line['alpn']).toEqual(['h2', 'http/1.1']);
    expect(line).not.toHaveProperty('status');
  });

  it('serves openssl s_client', async () => {
    const args = ['s_client', '-connect', `127.0.0.1:${proxy.port('transparent')}`, '-servername', 'origin.test'];
    const answer = await run('openssl', [...args, '-CAfile', certificates.caFile, '-verify_return_error', '-ign_eof'], {
      input: 'GET / HTTP/1.0\r\n\r\n',
    });
    expect(answer.stdout).toContain('Verify return code: 0 (ok)');
    expect(answer.stdout).toContain(page);
  });

  it('tells openssl with the alert missing_extension that a name is needed', async () => {
    const answer = await run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${proxy.port('transparent')}`,
      '-noservername',
    ]);
    expect(answer.stderr).toContain('alert number 109');
    expect(await proxy.tunnel({ reason: 'no_sni' })).toMatchObject({ outcome: 'refused', listener: 'transparent' });
  });
});

describe('misdirected: serve', () => {
  let obliging: Running;
  beforeAll(async () => {
    obliging = await startSallyport(
      configText({
        explicit: [`port: ${origin.port}`, 'misdirected: serve'],
        transparent: [`port: ${origin.port}`, 'misdirected: serve'],
      }),
    );
  });
  afterAll(() => obliging.stop());

  it('serves TLS at the explicit door as the transparent one would', async () => {
    const answer = await curl(
      '--connect-to',
      `origin.test:443:127.0.0.1:${obliging.port('explicit')}`,
      'https://origin.test/',
    );
    expect(answer).toEqual({ code: 0, stdout: page, stderr: '' });
    const line = await obliging.tunnel({ listener: 'explicit' });
    expect(line).toMatchObject({ sni: 'origin.test', outcome: 'ok' });
    expect(line).not.toHaveProperty('status');
  });

  it('serves a CONNECT at the transparent door as the explicit one would', async () => {
    const proxy = ['--proxy', `http://127.0.0.1:${obliging.port('transparent')}`];
    const answer = await curl(...proxy, `https://origin.test:${origin.port}/`);
    expect(answer).toEqual({ code: 0, stdout: page, stderr: '' });
    const line = await obliging.tunnel({ listener: 'transparent' });
    expect(line).toMatchObject({ status: 200, outcome: 'ok', host: 'origin.test', sni: 'origin.test', ech: false });
  });

  it.each([
    { what: 'a hello without a name', bytes: () => clientHello(new Map()), alert: 109, reason: 'no_sni' },
    { what: 'an empty handshake record', bytes: () => Buffer.of(22, 3, 1, 0, 0), alert: 50, reason: 'malformed' },
    { what: 'no TLS', bytes: () => Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), alert: undefined, reason: 'not_tls' },
    { what: 'a hello for another host', bytes: () => helloFor('evil.test'), alert: 49, reason: 'sni_mismatch' },
  ])(
    'ends a CONNECT at the transparent door that has $what inside, as it would a client of its own',
    async (inside) => {
      const from = obliging.lines.length;
      const client = await openTunnel(obliging.port('transparent'), `origin.test:${origin.port}`);
      const greeting = client.heard().length;
      client.socket.write(inside.bytes());
      const { bytes } = await client.ended();
      const alert = inside.alert === undefined ? [] : [21, 3, 3, 0, 2, 2, inside.alert];
      expect([...bytes.subarray(greeting)]).toEqual(alert);
      const line = await obliging.line({ msg: 'tunnel', listener: 'transparent', reason: inside.reason }, from);
      expect(line).toMatchObject({ stage: 'verify', status: 200, bytes_up: 0 });
      client.socket.destroy();
    },
  );

  it('takes no CONNECT at the transparent door to a port that its own clients cannot choose', async () => {
    const from = obliging.lines.length;
    const answer = await ask(obliging.port('transparent'), 'CONNECT origin.test:22 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toContain(`127.0.0.1:${obliging.port('explicit')}`);
    await obliging.line({ msg: 'tunnel', listener: 'transparent', reason: 'misdirected', status: 421 }, from);
  });
});
