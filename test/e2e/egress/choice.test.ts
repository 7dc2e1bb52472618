/** Which way out is taken, and what becomes of it when a parent is down: never another way than those named. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSilentListener } from '../../../packages/tunnel-server/test/egress/silent-listener.ts';
import { makeCertificates } from '../harness/certificates.ts';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin, tcpOrigin } from '../harness/peers.ts';
import { CLOSED_PORT } from '../harness/ports.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let echo: Origin;

beforeAll(async () => {
  echo = await echoOrigin();
});

afterAll(() => echo.close());

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

/** A parent that says yes to everything and echoes, or says `says`. */
async function scripted(says = 'HTTP/1.1 200 OK\r\n\r\n'): Promise<Origin & { readonly heads: string[] }> {
  const heads: string[] = [];
  const origin = await tcpOrigin((socket) => {
    let head = '';
    let isOpen = false;
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      if (isOpen) return void socket.write(chunk);
      head += chunk.toString('latin1');
      isOpen = head.includes('\r\n\r\n', head.indexOf('CONNECT'));
      if (!isOpen) return;
      heads.push(head);
      socket.write(says);
    });
  });
  return { ...origin, heads };
}

const egressLines = (...lines: readonly string[]): string =>
  `egress:\n${lines.map((line) => `  - ${line}\n`).join('')}`;

async function pass(proxy: Running, authority: string): Promise<string> {
  const client = await openTunnel(proxy.port('explicit'), authority);
  client.socket.write('ping');
  if (/^HTTP\/1\.1 200 /.test(client.heard().toString())) await client.hears('ping');
  client.socket.end();
  await client.ended();
  return client.heard().toString('latin1').split('\r\n', 1)[0] ?? '';
}

describe('the choice', () => {
  it('is that of the rule, else the default; a direct egress may dial from an address of its own', async () => {
    const seen: string[] = [];
    const origin = await tcpOrigin((socket) => {
      seen.push(socket.remoteAddress ?? '');
      socket.pipe(socket);
    });
    const corp = await scripted();
    const proxy = await startSallyport(
      configText({
        policy: `policy:
  rules:
    - { name: near, action: allow, hosts: [near.test], egress: direct }
    - { name: wan, action: allow, hosts: [wan.test], egress: [wan2] }
    - { name: rest, action: allow }
  destinations: { allow: [loopback] }`,
        hosts: { 'near.test': ['127.0.0.1'], 'wan.test': ['127.0.0.1'] },
        more: `${egressLines(
          `{ name: corp, type: http, address: "127.0.0.1:${corp.port}" }`,
          '{ name: wan2, type: direct, source_address: "127.0.0.7" }',
        )}default_egress: corp`,
      }),
    );
    await pass(proxy, `near.test:${origin.port}`);
    await pass(proxy, `wan.test:${origin.port}`);
    await pass(proxy, `far.test:${origin.port}`);
    expect(seen).toEqual(['127.0.0.1', '127.0.0.7']);
    expect(corp.heads).toHaveLength(1);
    await proxy.tunnel({ host: 'near.test', egress: 'direct', rule: 'near' });
    await proxy.tunnel({ host: 'wan.test', egress: 'wan2', rule: 'wan' });
    await proxy.tunnel({ host: 'far.test', egress: 'corp', rule: 'rest' });
    expect(await proxy.metric('egress_attempts_total{egress="direct",result="ok"}')).toBe(1);
    expect(await proxy.metric('egress_attempts_total{egress="wan2",result="ok"}')).toBe(1);
    await proxy.stop();
    origin.close();
    corp.close();
  });

  it('has not failed where the client left during the dial', async () => {
    const silent = await startSilentListener();
    const proxy = await startSallyport(configText());
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(connect(`127.0.0.1:${silent.address.port}`));
    // A literal is dialled in the turn of the event loop in which it is decided.
    await expect.poll(() => proxy.metric('policy_decisions_total{rule="tests",decision="allow"}')).toBe(1);
    client.socket.destroy();
    await proxy.tunnel({ reason: 'client_closed', stage: 'dial' });
    expect(await ask(proxy.port('explicit'), connect(`origin.test:${CLOSED_PORT}`))).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.metric('egress_attempts_total{egress="direct",result="failed"}')).toBe(1);
    await proxy.stop();
    await silent.stop();
  });

  it('is told where it cannot work, for the address to dial from is of the other family', async () => {
    const proxy = await startSallyport(
      configText({
        hosts: { 'v6.test': ['::1'] },
        more: `${egressLines('{ name: wan2, type: direct, source_address: "127.0.0.7" }')}default_egress: wan2`,
      }),
    );
    const answer = await ask(proxy.port('explicit'), connect('v6.test:443'));
    expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway \(The destination cannot be reached from here\)/);
    const { detail } = await proxy.tunnel({ host: 'v6.test', reason: 'unreachable', egress: 'wan2' });
    expect(detail).toBe('No address of the destination is of the family of 127.0.0.7, from which it is dialled.');
    await proxy.stop();
  });

  it('holds names to the address rules where they are resolved here, and asks for the address', async () => {
    const corp = await scripted();
    const proxy = await startSallyport(
      configText({
        hosts: { 'private.test': ['10.1.2.3'] },
        more: `${egressLines(`{ name: corp, type: http, address: "localhost:${corp.port}", resolve: local }`)}default_egress: corp`,
      }),
    );
    await pass(proxy, `origin.test:${echo.port}`);
    expect(corp.heads[0]).toMatch(new RegExp(`^CONNECT 127\\.0\\.0\\.1:${echo.port} `));
    expect(await ask(proxy.port('explicit'), connect('private.test:443'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(proxy.port('explicit'), connect('nowhere.invalid:443'))).toContain('error=dns_error');
    expect(await ask(proxy.port('explicit'), connect('10.0.0.1:443'))).toMatch(/^HTTP\/1\.1 403 /);
    // A look-up is no dial, and what was not dialled took no way out: in the log and in the metrics.
    const measured = expect.any(Number) as number;
    const asked = { resolve_ms: measured, connect_ms: measured, egress: 'corp' };
    expect(await proxy.tunnel({ host: 'origin.test' })).toMatchObject(asked);
    for (const host of ['private.test', 'nowhere.invalid', '10.0.0.1']) {
      const line = await proxy.tunnel({ host, stage: 'resolve' });
      expect({ ...line, connect_ms: undefined, egress: undefined }).toEqual(line);
      expect('resolve_ms' in line).toBe(host !== '10.0.0.1');
    }
    expect(await proxy.metric('resolve_seconds_count{listener="explicit"}')).toBe(3);
    expect(await proxy.metric('connect_seconds_count{listener="explicit"}')).toBe(1);
    await proxy.stop();
    corp.close();
  });

  it('keeps verify_sni of the explicit door, also where the destination speaks at once', async () => {
    const corp = await scripted('HTTP/1.1 200 OK\r\n\r\nhello');
    const proxy = await startSallyport(
      configText({
        explicit: ['verify_sni: enforce'],
        more: `${egressLines(`{ name: corp, type: http, address: "127.0.0.1:${corp.port}" }`)}default_egress: corp`,
      }),
    );
    const client = await openTunnel(proxy.port('explicit'), 'good.test:443');
    client.socket.write(helloFor('good.test'));
    const heard = await client.hears(helloFor('good.test').length + 44);
    expect(heard.subarray(39, 44).toString()).toBe('hello');
    client.socket.destroy();
    const other = await openTunnel(proxy.port('explicit'), 'good.test:443');
    other.socket.write(helloFor('bad.test'));
    await other.ended();
    await proxy.tunnel({ reason: 'sni_mismatch', egress: 'corp' });
    await proxy.stop();
    corp.close();
  });
});

describe('a parent that is down', () => {
  it.each([
    { what: 'closed', address: () => `127.0.0.1:${CLOSED_PORT}`, status: 502, detail: /corp refused the connection/ },
    { what: 'without an address', address: () => 'nowhere.invalid:3128', status: 502, detail: /has no address/ },
  ])('is $status when it is $what, and nothing goes straight out', async ({ address, status, detail }) => {
    let dialled = 0;
    const origin = await tcpOrigin((socket) => void (dialled++, socket.end()));
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(`{ name: corp, type: http, address: "${address()}" }`)}default_egress: corp\ntimeouts: { connect: 500ms }`,
      }),
    );
    const answer = await ask(proxy.port('explicit'), connect(`127.0.0.1:${origin.port}`));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const line = await proxy.tunnel({ reason: 'egress' });
    expect(line['detail']).toMatch(detail);
    expect(dialled).toBe(0);
    expect(await proxy.metric('egress_up{egress="corp"}')).toBe(0);
    await proxy.stop();
    origin.close();
  });

  it('is passed by for the next of a list, put aside for a while, and asked again behind the others', async () => {
    const second = await scripted();
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(
          `{ name: one, type: http, address: "127.0.0.1:${CLOSED_PORT}" }`,
          `{ name: two, type: socks5, address: "127.0.0.1:${CLOSED_PORT}" }`,
          `{ name: three, type: http, address: "127.0.0.1:${second.port}" }`,
        )}default_egress: [one, two, three]`,
      }),
    );
    for (let at = 0; at < 3; at++) expect(await pass(proxy, 'far.test:443')).toMatch(/ 200 /);
    expect(second.heads).toHaveLength(3);
    expect(await proxy.metric('egress_attempts_total{egress="one",result="down"}')).toBe(1);
    expect(await proxy.metric('egress_attempts_total{egress="three",result="ok"}')).toBe(3);
    second.close();
    // With nobody left, those that were put aside are tried all the same.
    expect(await ask(proxy.port('explicit'), connect('far.test:443'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.metric('egress_attempts_total{egress="one",result="down"}')).toBe(2);
    await proxy.stop();
  });

  it('is not passed by when it said no', async () => {
    const no = await scripted('HTTP/1.1 403 No\r\n\r\n');
    const yes = await scripted();
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(
          `{ name: one, type: http, address: "127.0.0.1:${no.port}" }`,
          `{ name: two, type: http, address: "127.0.0.1:${yes.port}" }`,
        )}default_egress: [one, two]`,
      }),
    );
    expect(await ask(proxy.port('explicit'), connect('far.test:443'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(yes.heads).toHaveLength(0);
    await proxy.stop();
    no.close();
    yes.close();
  });

  it('killed under load, never means direct', async () => {
    let straight = 0;
    const origin = await tcpOrigin((socket) => {
      if (socket.remoteAddress !== '127.0.0.9') straight++;
      socket.pipe(socket);
    });
    const parent = await startSallyport(
      configText({
        more: `${egressLines('{ name: marked, type: direct, source_address: "127.0.0.9" }')}default_egress: marked`,
      }),
    );
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(`{ name: corp, type: http, address: "127.0.0.1:${parent.port('explicit')}" }`)}default_egress: corp`,
      }),
    );
    const answers: string[] = [];
    let isOver = false;
    const load = async (): Promise<void> => {
      while (!isOver) {
        const client = await openClient(proxy.port('explicit'));
        client.socket.write(connect(`127.0.0.1:${origin.port}`));
        await client.hears('\r\n\r\n').catch(() => client.ended());
        answers.push(client.heard().toString('latin1').split('\r\n', 1)[0] ?? '');
        client.socket.destroy();
      }
    };
    const loads = Array.from({ length: 8 }, load);
    await expect.poll(() => answers.filter((line) => / 200 /.test(line)).length).toBeGreaterThan(40);
    parent.process.kill('SIGKILL');
    await once(parent.process, 'close');
    const refused = (): number => answers.filter((line) => / 502 /.test(line)).length;
    await expect.poll(refused).toBeGreaterThan(40);
    isOver = true;
    await Promise.all(loads);
    expect(straight).toBe(0);
    expect(await proxy.metric('egress_attempts_total{egress="direct",result="ok"}')).toBe(0);
    await proxy.stop();
    origin.close();
  });
});

describe('a parent spoken to over TLS', () => {
  it('is served, bytes unchanged, and refused where its certificate is not trusted', async () => {
    const good = makeCertificates(['localhost', '127.0.0.1']);
    const other = makeCertificates(['localhost']);
    const parent = await startSallyport(configText({ explicit: ['tls: { cert: cert.pem, key: key.pem }'] }), {
      files: { 'cert.pem': good.cert, 'key.pem': good.key },
    });
    const port = parent.port('explicit');
    const proxy = await startSallyport(
      configText({
        policy: `policy:
  rules:
    - { name: bad, action: allow, hosts: [bad.test], egress: stranger }
    - { name: other, action: allow, hosts: [other.test], egress: misnamed }
    - { name: named, action: allow, hosts: [origin.test], egress: byname }
    - { name: rest, action: allow, egress: secure }
  destinations: { allow: [loopback] }`,
        more: egressLines(
          `{ name: secure, type: http, address: "127.0.0.1:${port}", tls: true, ca: "${good.caFile}" }`,
          `{ name: byname, type: http, address: "localhost:${port}", tls: true, ca: "${good.caFile}" }`,
          `{ name: misnamed, type: http, address: "other.localhost:${port}", tls: true, ca: "${good.caFile}" }`,
          `{ name: stranger, type: http, address: "127.0.0.1:${port}", tls: true, ca: "${other.caFile}" }`,
        ),
      }),
    );
    const big = 'y'.repeat(300_000);
    for (const host of ['127.0.0.1', 'origin.test']) {
      const client = await openTunnel(proxy.port('explicit'), `${host}:${echo.port}`);
      client.socket.write(big);
      await client.hears(big.length + 39);
      client.socket.destroy();
    }
    expect(await ask(proxy.port('explicit'), connect('bad.test:443'))).toMatch(/^HTTP\/1\.1 502 /);
    const line = await proxy.tunnel({ egress: 'stranger', reason: 'egress' });
    expect(line['detail']).toMatch(/stranger failed to speak TLS: its certificate is not trusted/);
    expect(await ask(proxy.port('explicit'), connect('other.test:443'))).toMatch(/^HTTP\/1\.1 502 /);
    const { detail } = await proxy.tunnel({ egress: 'misnamed', reason: 'egress' });
    expect(detail).toBe('The egress misnamed failed to speak TLS: its certificate is not for other.localhost.');
    await Promise.all([proxy.stop(), parent.stop()]);
  });

  it.each([
    {
      what: 'closes',
      does: (socket: Socket) => socket.end(),
      status: 502,
      why: 'failed to speak TLS: it closed the connection',
    },
    {
      what: 'resets',
      does: (socket: Socket) => socket.resetAndDestroy(),
      status: 502,
      why: 'failed to speak TLS: it reset the connection',
    },
    {
      what: 'is silent',
      does: () => undefined,
      status: 504,
      why: 'did not complete the TLS handshake in time',
    },
  ])('has not refused the connection where it $what in the handshake', async ({ does, status, why }) => {
    const parent = await tcpOrigin((socket) => socket.on('data', () => does(socket)));
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(
          `{ name: one, type: http, address: "127.0.0.1:${parent.port}", tls: true }`,
          `{ name: several, type: http, address: "several.test:${parent.port}", tls: true }`,
        )}timeouts: { connect: 2s }`,
        policy: `policy:
  rules:
    - { name: several, action: allow, hosts: [by-several.test], egress: several }
    - { name: rest, action: allow, egress: one }`,
        hosts: { 'several.test': ['127.0.0.1', '127.0.0.2'] },
      }),
    );
    expect(await ask(proxy.port('explicit'), connect('by-one.test:443'))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const { detail } = await proxy.tunnel({ host: 'by-one.test', reason: 'egress' });
    expect(detail).toBe(`The egress one ${why}.`);
    // Nobody listens at its second address, which says less.
    expect(await ask(proxy.port('explicit'), connect('by-several.test:443'))).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    );
    const line = await proxy.tunnel({ host: 'by-several.test', reason: 'egress' });
    expect(line['detail']).toBe(`The egress several ${why}.`);
    await proxy.stop();
    parent.close();
  });
});

describe('a parent that asks for a certificate of ours', () => {
  it.each([
    // OpenSSL 3.5 no longer says `sslv3`.
    { version: 'TLSv1.2', why: /^(?:sslv3|ssl\/tls) alert handshake failure$/ },
    // The handshake is over for us before the parent has seen our last message.
    { version: 'TLSv1.3', why: /^tlsv13 alert certificate required$/ },
  ] as const)('has not closed the connection without an answer, by $version', async ({ version, why }) => {
    const { cert, key, caFile } = makeCertificates(['127.0.0.1']);
    const asking = { cert, key, requestCert: true, rejectUnauthorized: true, maxVersion: version };
    const parent = createTlsServer(asking, (socket) => socket.on('error', () => undefined));
    parent.listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const { port } = parent.address() as AddressInfo; // A TCP server that listens has one.
    const corp = `{ name: corp, type: http, address: "127.0.0.1:${port}", tls: true, ca: "${caFile}" }`;
    const proxy = await startSallyport(
      configText({ explicit: ['http: forward'], more: `${egressLines(corp)}default_egress: corp` }),
    );
    const requests = [connect('far.test:443'), 'GET http://near.test/ HTTP/1.1\r\nHost: near.test\r\n\r\n'];
    for (const request of requests) expect(await ask(proxy.port('explicit'), request)).toMatch(/^HTTP\/1\.1 502 /);
    for (const host of ['far.test', 'near.test']) {
      const { detail, upstream } = await proxy.tunnel({ host, egress: 'corp', reason: 'egress' });
      const said = /^The egress corp failed to speak TLS: TLS says (.*)\.$/.exec(String(detail))?.[1];
      expect(said).toMatch(why);
      expect(upstream).toBe(`127.0.0.1:${port}`);
    }
    expect(await proxy.metric('egress_attempts_total{egress="corp",result="down"}')).toBeGreaterThan(0);
    expect(await proxy.metric('egress_up{egress="corp"}')).toBe(0);
    await proxy.stop();
    parent.close();
  });
});

describe('a PROXY header on the way out', () => {
  it.each([
    { version: 'v1', type: 'direct' },
    { version: 'v2', type: 'direct' },
    { version: 'v1', type: 'http' },
    { version: 'v2', type: 'http' },
  ])('$version goes ahead of everything, by $type, and counts as nothing', async ({ version, type }) => {
    const sockets: Socket[] = [];
    let heard = Buffer.alloc(0);
    const far = await tcpOrigin((socket) => {
      sockets.push(socket);
      socket.on('data', (chunk: Buffer) => {
        heard = Buffer.concat([heard, chunk]);
        if (type === 'http' && heard.includes('CONNECT') && heard.length < 300) socket.write('HTTP/1.1 200 OK\r\n\r\n');
      });
    });
    const how = type === 'http' ? `address: "127.0.0.1:${far.port}"` : '';
    const proxy = await startSallyport(
      configText({
        more: `${egressLines(`{ name: out, type: ${type}, proxy_protocol: ${version}, ${how} }`)}default_egress: out`,
      }),
    );
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`${connect(`127.0.0.1:${far.port}`)}early`);
    await expect.poll(() => heard.toString('latin1')).toContain('early');
    const [from, to] = [client.socket.localPort ?? 0, proxy.port('explicit')];
    const header =
      version === 'v1'
        ? Buffer.from(`PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${to}\r\n`)
        : Buffer.concat([
            Buffer.from('0d0a0d0a000d0a515549540a21110 00c7f0000017f000001'.replaceAll(' ', ''), 'hex'),
            Buffer.of(from >> 8, from & 255, to >> 8, to & 255),
          ]);
    expect(heard.subarray(0, header.length)).toEqual(header);
    expect(heard.subarray(header.length).toString('latin1')).toMatch(type === 'http' ? /^CONNECT / : /^early$/);
    client.socket.end();
    for (const socket of sockets) socket.end();
    await client.ended();
    expect(await proxy.tunnel({ outcome: 'ok' })).toMatchObject({ bytes_up: 5, egress: 'out' });
    await proxy.stop();
    far.close();
  });
});
