/** Every way to be refused, seen from the wire, the log and the metrics: the table of reasons, end to end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { clientHello, helloFor, serverName } from './harness/hello.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin, run } from './harness/peers.ts';
import { CLOSED_PORT } from './harness/ports.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let echo: Origin;

const policy = `policy:
  rules:
    - { name: forbidden, action: deny, hosts: ["*.forbidden.test"] }
    - { name: tests, action: allow, clients: [loopback] }
  destinations: { allow: [127.0.0.1] }`;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(
    configText({
      policy,
      explicit: ['timeouts: { handshake: 3s }', 'limits: { handshake_bytes: 2KiB }'],
      transparent: [
        `port: ${CLOSED_PORT}`,
        'ech: deny',
        'timeouts: { handshake: 3s }',
        'limits: { handshake_bytes: 2KiB }',
      ],
      hosts: { 'private.test': ['10.1.2.3', '::1'], 'www.forbidden.test': ['127.0.0.1'] },
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

const connectTo = (authority: string, more = ''): string => `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

interface ExplicitCase {
  readonly reason: string;
  readonly request: () => string;
  readonly status: number;
  readonly proxyError: string;
  readonly more?: RegExp;
}

const explicitCases: readonly ExplicitCase[] = [
  { reason: 'malformed', request: () => connectTo('example.com'), status: 400, proxyError: 'http_request_error' },
  {
    reason: 'too_large',
    request: () => connectTo('a.test:443', `X: ${'x'.repeat(4096)}\r\n`),
    status: 431,
    proxyError: 'http_request_error',
  },
  {
    reason: 'handshake_timeout',
    request: () => 'CONNECT a.test:443 HTTP/1.1\r\n',
    status: 408,
    proxyError: 'http_request_error',
  },
  {
    reason: 'method',
    request: () => 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
    status: 405,
    proxyError: 'http_request_error',
    more: /\r\nAllow: CONNECT\r\n/,
  },
  {
    reason: 'policy',
    request: () => connectTo('www.forbidden.test:443'),
    status: 403,
    proxyError: 'http_request_denied',
  },
  {
    reason: 'address',
    request: () => connectTo('private.test:443'),
    status: 403,
    proxyError: 'destination_ip_prohibited',
  },
  {
    reason: 'address',
    request: () => connectTo('169.254.169.254:80'),
    status: 403,
    proxyError: 'destination_ip_prohibited',
  },
  {
    reason: 'loop',
    request: () => connectTo(`127.0.0.1:${proxy.port('explicit')}`),
    status: 502,
    proxyError: 'proxy_loop_detected',
  },
  {
    reason: 'loop',
    request: () => connectTo(`127.0.0.1:${proxy.port('admin')}`),
    status: 502,
    proxyError: 'proxy_loop_detected',
  },
  { reason: 'dns', request: () => connectTo('nowhere.invalid:443'), status: 502, proxyError: 'dns_error' },
  {
    reason: 'refused',
    request: () => connectTo(`127.0.0.1:${CLOSED_PORT}`),
    status: 502,
    proxyError: 'connection_refused',
  },
];

describe('the explicit door', () => {
  it.each(explicitCases)(
    'answers $status $proxyError for $reason',
    async ({ reason, request, status, proxyError, more }) => {
      const before = proxy.lines.length;
      const answer = await ask(proxy.port('explicit'), request());
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain(`\r\nProxy-Status: sallyport; error=${proxyError}`);
      expect(answer).toContain('\r\nConnection: close\r\n');
      expect(answer).toMatch(/\r\nContent-Type: text\/plain/);
      if (more) expect(answer).toMatch(more);
      const sentence = sentenceIn(answer);
      expect(answer).toContain(`; details="${sentence}"\r\n`);
      expect(answer).toContain(`\r\n\r\n${sentence} (${reason}, tunnel `);
      const line = await proxy.line({ msg: 'tunnel', reason }, before);
      expect(line).toMatchObject({ listener: 'explicit', status });
      expect(answer.split('\r\n\r\n')[1]).toContain(String(line['id']));
      const outcome = String(line['outcome']);
      expect(
        await proxy.metric(`tunnels_total{listener="explicit",outcome="${outcome}",reason="${reason}"}`),
      ).toBeGreaterThan(0);
    },
  );

  it('answers in JSON who asks for it on lines that end in LF alone', async () => {
    const answer = await ask(proxy.port('explicit'), 'CONNECT a.test:443 HTTP/1.1\nAccept: application/json\n\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*\r\nContent-Type: application\/problem\+json\r\n[^]*bare LF/);
  });

  it('parses nothing that is pipelined behind a refusal', async () => {
    const answer = await ask(
      proxy.port('explicit'),
      connectTo('www.forbidden.test:443') + connectTo(`127.0.0.1:${echo.port}`),
    );
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('closes a silent connection without a word', async () => {
    const before = proxy.lines.length;
    expect(await ask(proxy.port('explicit'), '')).toBe('');
    await proxy.line({ msg: 'tunnel', reason: 'handshake_timeout', listener: 'explicit' }, before);
  });

  it('answers TLS with the alert unexpected_message', async () => {
    const answer = await ask(proxy.port('explicit'), helloFor('origin.test').toString('latin1'));
    expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 10));
    await proxy.tunnel({ reason: 'misdirected', listener: 'explicit' });
  });

  it.each([
    { version: 5, greeting: [5, 1, 0], refusal: [5, 0xff] },
    { version: 4, greeting: [4, 1, 1, 0xbb, 192, 0, 2, 1, 0], refusal: [0, 0x5b, 0, 0, 0, 0, 0, 0] },
  ])('refuses SOCKS $version in its own words, and says so in the log', async ({ version, greeting, refusal }) => {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('explicit'), Uint8Array.from(greeting));
    expect([...Buffer.from(answer, 'latin1')]).toEqual(refusal);
    const line = await proxy.line({ msg: 'tunnel', reason: 'malformed', listener: 'explicit' }, before);
    expect(line['detail']).toContain(`SOCKS ${version}`);
    expect(line).not.toHaveProperty('status');
  });

  it.each([
    { how: 'curl --socks5', flag: '--socks5' },
    { how: 'curl --socks4', flag: '--socks4' },
  ])('ends $how at once', async ({ flag }) => {
    const via = [flag, `127.0.0.1:${proxy.port('explicit')}`];
    const { code, stderr } = await run('curl', ['-sS', '--max-time', '8', ...via, 'http://192.0.2.1/']);
    expect(code).toBe(97); // CURLE_PROXY
    expect(stderr).toMatch(/SOCKS|No authentication method was acceptable/);
  });

  it('tells whoever leaves the brackets of an IPv6 address out what to write', async () => {
    const answer = await ask(proxy.port('explicit'), 'CONNECT ::1:443 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*: write \[::1\]:443 \(malformed,/);
  });

  it('sends early data on', async () => {
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`${connectTo(`127.0.0.1:${echo.port}`)}early`);
    const answer = await client.hears('early');
    expect(answer.toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\nearly');
    client.socket.destroy();
  });

  it('answers HTTP/1.0 like HTTP/1.1', async () => {
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`CONNECT 127.0.0.1:${echo.port} HTTP/1.0\r\n\r\n`);
    expect((await client.hears('\r\n\r\n')).toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
    client.socket.destroy();
  });

  it('calls a client that leaves before its head is whole client_closed', async () => {
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('explicit'));
    client.socket.end('CONNECT half');
    await client.ended();
    expect(await proxy.line({ msg: 'tunnel', reason: 'client_closed', stage: 'identify' }, before)).toMatchObject({
      outcome: 'failed',
    });
  });
});

describe('the transparent door', () => {
  const ech = clientHello(new Map([[0, serverName('origin.test')], [0xfe0d, Buffer.alloc(8)]])); // prettier-ignore

  it.each([
    { reason: 'malformed', alert: 50, hello: helloFor('a..b') },
    { reason: 'too_large', alert: 50, hello: clientHello(new Map([[21, Buffer.alloc(4096)]])) },
    { reason: 'policy', alert: 49, hello: helloFor('www.forbidden.test') },
    { reason: 'address', alert: 49, hello: helloFor('private.test') },
    { reason: 'dns', alert: 112, hello: helloFor('nowhere.invalid') },
    { reason: 'refused', alert: 80, hello: helloFor('origin.test') },
    { reason: 'no_sni', alert: 109, hello: clientHello(new Map()) },
    { reason: 'no_sni', alert: 109, hello: helloFor('127.0.0.1') },
    { reason: 'ech', alert: 49, hello: ech },
  ])('answers alert $alert for $reason', async ({ reason, alert, hello }) => {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('transparent'), hello);
    expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, alert));
    await proxy.line({ msg: 'tunnel', reason, listener: 'transparent' }, before);
  });

  it.each([
    { what: 'half a hello', bytes: helloFor('origin.test').subarray(0, 20), reason: 'handshake_timeout' },
    {
      what: 'SOCKS',
      bytes: Buffer.of(5, 1, 0),
      reason: 'not_tls',
      detail: 'The client speaks SOCKS, and this door TLS.',
    },
    { what: 'garbage', bytes: Buffer.from('\x01\x02\x03 neither TLS nor HTTP \r\n\r\n'), reason: 'not_tls' },
  ])('closes without a word on $what', async ({ bytes, reason, detail }) => {
    const before = proxy.lines.length;
    expect(await ask(proxy.port('transparent'), bytes)).toBe('');
    const line = await proxy.line({ msg: 'tunnel', reason, listener: 'transparent' }, before);
    if (detail !== undefined) expect(line).toMatchObject({ detail });
  });

  it.each([
    { what: 'plain HTTP', request: 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', reason: 'not_tls', says: '' },
    { what: 'a long URL', request: `GET /${'x'.repeat(4096)} HTTP/1.1\r\n\r\n`, reason: 'not_tls', says: '' },
    { what: 'a CONNECT', request: connectTo('a.test:443'), reason: 'misdirected', says: 'explicit' },
  ])('answers 421 to $what', async ({ request, reason, says }) => {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('transparent'), request);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    if (says) expect(answer).toContain(String(proxy.port('explicit')));
    await proxy.line({ msg: 'tunnel', reason, listener: 'transparent', status: 421 }, before);
  });
});

describe('a PROXY header that no door expects', () => {
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c000020110920bb8', 'hex');
  const rows = [
    { version: 1, header: Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 4242 3000\r\n') },
    { version: 2, header: v2 },
  ];

  it.each(rows)('is named in the line and in the answer of the explicit door: version $version', async ({ header }) => {
    const before = proxy.lines.length;
    const request = Buffer.concat([header, Buffer.from(connectTo('a.test:443'))]);
    const answer = await ask(proxy.port('explicit'), request);
    expect(answer).toMatch(
      /^HTTP\/1\.1 400 [^]*: it opens with a PROXY header, where none is expected \(proxy_protocol\)/,
    );
    const { detail } = await proxy.line({ msg: 'tunnel', reason: 'malformed', listener: 'explicit' }, before);
    expect(detail).toMatch(/it opens with a PROXY header/);
  });

  it.each(rows)('is named in the line of the transparent door: version $version', async ({ header }) => {
    const before = proxy.lines.length;
    expect(await ask(proxy.port('transparent'), Buffer.concat([header, helloFor('a.test')]))).toBe('');
    const { detail } = await proxy.line({ msg: 'tunnel', reason: 'not_tls', listener: 'transparent' }, before);
    expect(detail).toMatch(/it opens with a PROXY header/);
  });
});

describe('a dial that failed', () => {
  it.each([
    { door: 'explicit', request: connectTo(`127.0.0.1:${CLOSED_PORT}`) },
    { door: 'transparent', request: helloFor('origin.test') },
  ])('says in its line where it went: $door', async ({ door, request }) => {
    const before = proxy.lines.length;
    await ask(proxy.port(door), request);
    const line = await proxy.line({ msg: 'tunnel', reason: 'refused', listener: door }, before);
    expect(line).toMatchObject({ upstream: `127.0.0.1:${CLOSED_PORT}` });
  });
});

describe('a refusal at any door that answers in HTTP', () => {
  it.each([
    { door: 'explicit', request: () => 'CONNECT nowhere.invalid:443 HTTP/1.1', host: 'nowhere.invalid', status: 502 },
    { door: 'explicit', request: () => 'CONNECT a.test:0 HTTP/1.1', host: undefined, status: 400 },
    { door: 'explicit', request: () => 'GET http://A.test:8080/x HTTP/1.1', host: 'a.test', status: 405 },
    { door: 'explicit', request: () => 'POST http://u:p@[2001:DB8::1] HTTP/1.0', host: '2001:db8::1', status: 405 },
    { door: 'explicit', request: () => 'GET / HTTP/1.1', host: undefined, status: 405 },
    { door: 'explicit', request: () => 'GET https://a.test/ HTTP/1.1', host: undefined, status: 405 },
    { door: 'transparent', request: () => 'CONNECT a.test:443 HTTP/1.1', host: 'a.test', status: 421 },
    { door: 'transparent', request: () => 'GET / HTTP/1.1', host: undefined, status: 421 },
  ])('is problem JSON to who asks for it: $status at $door', async ({ door, request, host, status }) => {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port(door), `${request()}\r\nAccept: application/problem+json\r\n\r\n`);
    const [head = '', content = ''] = answer.split('\r\n\r\n');
    expect(head).toContain('\r\nContent-Type: application/problem+json\r\n');
    expect(head).toContain('\r\nConnection: close\r\n');
    const line = await proxy.line({ msg: 'tunnel', listener: door, status }, before);
    const { id, reason } = line;
    expect(line['host']).toBe(host);
    const problem: unknown = JSON.parse(content);
    expect(problem).toMatchObject({ status, id, reason, listener: door, detail: sentenceIn(answer) });
    expect(problem).toHaveProperty('remedy');
    expect((problem as { host?: string }).host).toBe(host);
  });
});

describe('the 421 to a CONNECT at the transparent door', () => {
  it.each([
    { bind: '127.0.0.1', named: /send it to 127\.0\.0\.1:PORT\)/ },
    { bind: '0.0.0.0', named: /send it to port PORT of this proxy\)/ },
    { bind: '[::]', named: /send it to port PORT of this proxy\)/ },
  ])('names an explicit door at $bind so that a client can use it', async ({ bind, named }) => {
    const other = await startSallyport(configText().replace('127.0.0.1:0', `${bind}:0`));
    const answer = await ask(other.port('transparent'), connectTo('a.test:443'));
    expect(answer.split('\r\n')[0]?.replace(String(other.port('explicit')), 'PORT')).toMatch(named);
    await other.stop();
  });
});

/** What the status line carries in brackets. */
function sentenceIn(answer: string): string {
  const [, sentence = 'none'] = /^HTTP\/1\.1 [45]\d\d [A-Za-z ]+ \(([ -~]+)\)\r\n/.exec(answer) ?? [];
  return sentence;
}

describe('limits', () => {
  it('admits N from one client, and answers 429 to the next', async () => {
    const strict = await startSallyport(configText({ more: 'limits: { tunnels_per_client: 3 }' }));
    const door = strict.port('explicit');
    const held = await Promise.all([1, 2, 3].map(() => openTunnel(door, `127.0.0.1:${echo.port}`)));
    const answer = await ask(door, connectTo(`127.0.0.1:${echo.port}`));
    expect(answer).toMatch(/^HTTP\/1\.1 429 /);
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/);
    held[0]?.socket.destroy();
    await strict.tunnel({ outcome: 'ok' });
    const again = await openTunnel(door, `127.0.0.1:${echo.port}`);
    expect(again.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
    for (const client of [...held, again]) client.socket.destroy();
    await strict.stop();
  });

  it.each([
    { limit: 'tunnels_per_client', status: 429, reason: 'client_limit' },
    { limit: 'tunnels', status: 503, reason: 'overload' },
  ])('refuse as the request asks, and whoever sends none all the same: $limit', async ({ limit, status, reason }) => {
    const strict = await startSallyport(configText({ more: `limits: { ${limit}: 1 }` }));
    const door = strict.port('explicit');
    const holder = await openTunnel(door, `127.0.0.1:${echo.port}`);
    const problem = new RegExp(
      `^HTTP/1\\.1 ${status} [^]*application/problem\\+json[^]*"reason":"${reason}","host":"a.test"`,
    );
    const answers = (request: string) => expect.poll(() => ask(door, request));
    await answers(connectTo('a.test:443', 'Accept: application/problem+json\r\n')).toMatch(problem);
    await answers('HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n').toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\n\r\n$`),
    );
    await answers('\x05\x01\x00').toBe('\x05\xff');
    await answers(helloFor('a.test').toString('latin1')).toBe('\x15\x03\x03\x00\x02\x02P');
    const silent = await openClient(door);
    expect((await silent.ended()).bytes.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*text/plain`));
    await strict.line({ msg: 'tunnel', reason, stage: 'admit', host: 'a.test', port: 443 });
    await strict.line({ msg: 'tunnel', reason, stage: 'admit', host: 'a.test', port: 80 });
    holder.socket.destroy();
    await strict.stop();
  });

  it.each([['http: forward'], ['misdirected: serve']])(
    'refuse in HTTP whoever speaks it at a transparent door with %s, and others by an alert',
    async (key) => {
      const strict = await startSallyport(
        configText({ transparent: [key, `port: ${echo.port}`], more: 'limits: { tunnels_per_client: 1 }' }),
      );
      const door = strict.port('transparent');
      const holder = await openTunnel(strict.port('explicit'), `127.0.0.1:${echo.port}`);
      const alert = '\x15\x03\x03\x00\x02\x02P';
      const problem = /^HTTP\/1\.1 429 [^]*application\/problem\+json[^]*"reason":"client_limit"/;
      const answers = (said: string) => expect.poll(() => ask(door, said));
      await answers('GET / HTTP/1.1\r\nHost: a.test\r\nAccept: application/problem+json\r\n\r\n').toMatch(problem);
      await answers(connectTo('a.test:443', 'Accept: application/problem+json\r\n')).toMatch(problem);
      await answers(helloFor('a.test').toString('latin1')).toBe(alert);
      await answers('\x05\x01\x00').toBe(alert);
      expect((await (await openClient(door)).ended()).bytes.toString('latin1')).toBe(alert);
      await strict.line({ msg: 'tunnel', reason: 'client_limit', listener: 'transparent', status: 429 });
      holder.socket.destroy();
      await strict.stop();
    },
  );

  it.each([
    { header: 'that has come', said: 'PROXY TCP4 192.0.2.7 192.0.2.1 7007 443\r\n' },
    { header: 'that is still to come', said: '' },
  ])('answers 503 behind a balancer too, whose PROXY header $header is not read', async ({ said }) => {
    const strict = await startSallyport(
      configText({ explicit: ['proxy_protocol: [loopback]'], more: 'limits: { tunnels: 1 }' }),
    );
    const holder = await openClient(strict.port('transparent'));
    await expect.poll(() => strict.metric('handshakes_active{listener="transparent"}')).toBe(1);
    const client = await openClient(strict.port('explicit'));
    if (said !== '') client.socket.write(said + connectTo('a.test:443'));
    expect((await client.ended()).bytes.toString()).toMatch(
      /^HTTP\/1\.1 503 [^]*\r\nProxy-Status: sallyport; error=connection_limit_reached/,
    );
    await strict.line({ msg: 'tunnel', listener: 'explicit', reason: 'overload', status: 503 });
    holder.socket.destroy();
    await strict.stop();
  });

  it('answers 503 when limits.tunnels is reached, also while a handshake holds the place', async () => {
    const strict = await startSallyport(configText({ more: 'limits: { tunnels: 1 }' }));
    const holder = await openClient(strict.port('transparent'));
    await expect.poll(() => strict.metric('handshakes_active{listener="transparent"}')).toBe(1);
    expect(await ask(strict.port('explicit'), connectTo('a.test:443'))).toMatch(/^HTTP\/1\.1 503 /);
    holder.socket.destroy();
    await strict.stop();
  });
});

it('counts what a rule allowed as allowed where its address is then refused, and the refusal apart', async () => {
  const strict = await startSallyport(configText());
  expect(await ask(strict.port('explicit'), connectTo('10.0.0.1:443'))).toMatch(/^HTTP\/1\.1 403 /);
  expect(await strict.tunnel({ reason: 'address' })).toMatchObject({ decision: 'deny', rule: 'tests' });
  expect(await strict.metric('policy_decisions_total{rule="tests",decision="allow"}')).toBe(1);
  expect(await strict.metric('policy_decisions_total{rule="tests",decision="deny"}')).toBeUndefined();
  expect(await strict.metric('refused_total{listener="explicit",reason="address"}')).toBe(1);
  await strict.stop();
});

describe('report_only', () => {
  it('lets pass what the rules would deny, and says so; addresses stay guarded', async () => {
    const reporting = await startSallyport(
      configText({ policy: 'policy: { report_only: true, default: deny, destinations: { allow: [127.0.0.1] } }' }),
    );
    const client = await openTunnel(reporting.port('explicit'), `127.0.0.1:${echo.port}`);
    expect(client.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
    expect(await reporting.tunnel({ outcome: 'ok' })).toMatchObject({
      decision: 'report',
      rule: 'default',
      would_deny: 'default',
    });
    expect(await ask(reporting.port('explicit'), connectTo('10.0.0.1:443'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await reporting.metric('policy_decisions_total{rule="default",decision="report"}')).toBeGreaterThan(0);
    await reporting.stop();
  });
});
