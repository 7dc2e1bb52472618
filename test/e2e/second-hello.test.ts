/** A second ClientHello, behind a HelloRetryRequest: servers take its name at its word, so it must be that of the first. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates } from './harness/certificates.ts';
import { configText } from './harness/config-text.ts';
import { PATIENCE_MS } from './harness/patience.ts';
import { type Client, openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import {
  applicationData,
  changeCipherSpec,
  helloRetryRequest,
  inRecordsOf,
  modernHello,
  withExtension,
} from './harness/retry.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const alertAccessDenied = Buffer.of(21, 3, 3, 0, 2, 2, 49);
const first = modernHello('origin.test');
let enforcing: Running;
let reporting: Running;
/** Answers what is a whole first hello with a HelloRetryRequest. */
let origin: Origin;
let atOrigin = Buffer.alloc(0);
let upstream: Socket | undefined;
/** In which pieces the origin answers. */
let answer: readonly Buffer[] = [helloRetryRequest];

beforeAll(async () => {
  origin = await tcpOrigin((socket) => {
    upstream = socket;
    let hasAnswered = false;
    socket.on('data', (chunk: Buffer) => {
      atOrigin = Buffer.concat([atOrigin, chunk]);
      if (!hasAnswered && atOrigin.length >= first.length) {
        hasAnswered = true;
        void sayInPieces(socket, answer);
      }
    });
    socket.on('end', () => socket.end());
  });
  enforcing = await startSallyport(configText({ explicit: ['verify_sni: enforce'] }));
  reporting = await startSallyport(configText({ explicit: ['verify_sni: report'] }));
});

afterEach(() => {
  atOrigin = Buffer.alloc(0);
  answer = [helloRetryRequest];
});

afterAll(async () => {
  await Promise.all([enforcing.stop(), reporting.stop()]);
  origin.close();
});

/** A client that has sent its first hello, and been asked for another. */
async function askedAgain(proxy: Running): Promise<Client> {
  const client = await openTunnel(proxy.port('explicit'), `origin.test:${origin.port}`);
  client.socket.write(first);
  await client.hears(helloRetryRequest.length + client.heard().length);
  return client;
}

/** One by one, each as a segment of its own. */
async function sayInPieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  socket.setNoDelay();
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
}

/** How a server may leave that has asked for another hello. */
const departures = [
  { how: 'a FIN', leave: () => upstream?.end(), wasReset: false, reason: 'upstream_closed' },
  { how: 'an RST', leave: () => upstream?.resetAndDestroy(), wasReset: true, reason: 'upstream_reset' },
];

const anotherName = modernHello('evil.test');

/** A server may skip a record of a type that it does not know, or that is longer than any may be. s2n-tls does. */
const heartbeat = Buffer.of(24, 3, 3, 0, 3, 1, 0, 0);
const tooLong = Buffer.concat([Buffer.of(24, 3, 3, 0xff, 0xff), Buffer.alloc(0xffff)]);

const others = [
  ['another name', anotherName],
  ['another name, in records of one byte', inRecordsOf(1, anotherName)],
  ['another name, in records of 50 bytes', inRecordsOf(50, anotherName)],
  ['no name', modernHello()],
  ['two names', modernHello('origin.test', 'evil.test')],
  ['an address', modernHello('127.0.0.1')],
  ['another name behind a change_cipher_spec', Buffer.concat([changeCipherSpec, anotherName])],
  ['another name behind a record of an unknown type', Buffer.concat([heartbeat, anotherName])],
] as const;

/** What the origin may have of such a client: its first hello, and what came before the second. */
const heldBack = [[], [changeCipherSpec], [heartbeat]].map((before) => Buffer.concat([first, ...before]));

describe('verify_sni: enforce', () => {
  it.each([
    ['whole', [modernHello('origin.test')]],
    ['in records of seven bytes', [inRecordsOf(7, modernHello('origin.test'))]],
    ['behind a change_cipher_spec', [changeCipherSpec, modernHello('ORIGIN.test')]],
    ['with more behind it', [modernHello('origin.test'), changeCipherSpec, applicationData(40)]],
  ])('sends on a second hello of the same name, %s', async (_how, parts) => {
    const before = enforcing.lines.length;
    const client = await askedAgain(enforcing);
    const second = Buffer.concat(parts);
    client.socket.end(second);
    await client.ended();
    expect(atOrigin).toEqual(Buffer.concat([first, second]));
    const line = await enforcing.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ bytes_up: atOrigin.length, bytes_down: helloRetryRequest.length });
  });

  it.each(others)('ends a tunnel whose second hello has %s, nothing of it sent on', async (_what, second) => {
    const before = enforcing.lines.length;
    const client = await askedAgain(enforcing);
    for (const byte of second.subarray(0, 20)) client.socket.write(Buffer.of(byte));
    client.socket.write(second.subarray(20));
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(heldBack).toContainEqual(atOrigin);
    const line = await enforcing.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
    expect(line).toMatchObject({ outcome: 'refused', stage: 'verify', bytes_up: atOrigin.length });
    expect(line['detail']).toMatch(/^The ClientHello that follows a HelloRetryRequest /);
  });

  it('ends a tunnel in which a record longer than any may be comes before the second hello', async () => {
    const before = enforcing.lines.length;
    const client = await askedAgain(enforcing);
    client.socket.write(Buffer.concat([tooLong, anotherName]));
    await client.ended();
    client.socket.destroy();
    expect(atOrigin).toEqual(first);
    await enforcing.line({ msg: 'tunnel', reason: 'handshake_timeout', outcome: 'refused' }, before);
  });

  it('says of a server that does not answer the hello that it is the silent one', async () => {
    const silent = await tcpOrigin(() => undefined);
    const hasty = await startSallyport(
      configText({ explicit: ['verify_sni: enforce', 'timeouts: { handshake: 4s }'] }),
    );
    const client = await openTunnel(hasty.port('explicit'), `origin.test:${silent.port}`);
    client.socket.write(first);
    await client.ended();
    expect(await hasty.tunnel({ reason: 'handshake_timeout', stage: 'verify' })).toMatchObject({
      outcome: 'failed',
      upstream: `127.0.0.1:${silent.port}`,
      bytes_up: first.length,
      detail: 'The destination did not answer the ClientHello in time.',
    });
    expect(await hasty.metric('refused_total{listener="explicit",reason="handshake_timeout"}')).toBeUndefined();
    await hasty.stop();
    silent.close();
  });

  it.each(departures)('passes $how on that comes in place of an answer', async ({ leave, wasReset, reason }) => {
    const before = enforcing.lines.length;
    const client = await askedAgain(enforcing);
    leave();
    expect(await client.ended()).toMatchObject({ wasReset });
    client.socket.destroy();
    const line = await enforcing.line({ msg: 'tunnel', reason }, before);
    expect(line).toMatchObject({ outcome: 'failed', stage: 'verify', bytes_down: helloRetryRequest.length });
  });

  it('follows a hello that readers may take for one of TLS 1.2', async () => {
    // Of two extensions of a kind one reader takes the first, one the last, and one takes both lists together.
    const ambiguous = withExtension(first, Buffer.of(0, 43, 0, 3, 2, 3, 3));
    const before = enforcing.lines.length;
    const client = await openTunnel(enforcing.port('explicit'), `origin.test:${origin.port}`);
    client.socket.write(ambiguous);
    await client.hears(helloRetryRequest.length + client.heard().length);
    client.socket.write(anotherName);
    await client.ended();
    client.socket.destroy();
    expect(atOrigin).toEqual(ambiguous);
    await enforcing.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
  });

  it('holds back a second hello that comes with the first', async () => {
    const before = enforcing.lines.length;
    const client = await openTunnel(enforcing.port('explicit'), `origin.test:${origin.port}`);
    client.socket.write(Buffer.concat([first, anotherName]));
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(atOrigin).toEqual(first);
    await enforcing.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
  });

  it('counts what it found', async () => {
    const match = await enforcing.metric('sni_checks_total{listener="explicit",result="match"}');
    expect(match).toBeGreaterThan(0);
    expect(await enforcing.metric('sni_checks_total{listener="explicit",result="mismatch"}')).toBe(others.length + 2);
  });

  it.each([
    ['early data', applicationData(16_000)],
    ['what is no TLS', Buffer.from('and more')],
  ])('sends on %s behind the first hello before the server has answered', async (_what, behind) => {
    const silent = await tcpOrigin((socket) => {
      let said = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        said = Buffer.concat([said, chunk]);
        if (said.equals(Buffer.concat([first, behind]))) socket.end('all of it');
      });
    });
    const client = await openTunnel(enforcing.port('explicit'), `origin.test:${silent.port}`);
    client.socket.write(first);
    client.socket.write(behind);
    await client.hears('all of it');
    client.socket.destroy();
    silent.close();
  });

  it('serves a real client that is asked for another key share', async () => {
    const certificates = makeCertificates(['origin.test']);
    const options = { cert: certificates.cert, key: certificates.key, ecdhCurve: 'P-384' };
    const server = createTlsServer(options, (socket) => socket.end('page')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
    const { socket } = await openTunnel(enforcing.port('explicit'), `origin.test:${port}`);
    // The first share is for the first curve, which the server does not have.
    const tls = connectTls({
      socket,
      servername: 'origin.test',
      ca: readFileSync(certificates.caFile),
      ecdhCurve: 'X25519:P-384',
    });
    const [page] = (await once(tls, 'data')) as [Buffer]; // So it is documented.
    expect(page.toString()).toBe('page');
    expect(tls.getProtocol()).toBe('TLSv1.3');
    tls.destroy();
    server.close();
  });
});

describe('the transparent door', () => {
  let proxy: Running;
  beforeAll(async () => {
    proxy = await startSallyport(configText({ transparent: [`port: ${origin.port}`] }));
  });
  afterAll(() => proxy.stop());

  async function asked(): Promise<Client> {
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(first);
    await client.hears(helloRetryRequest.length);
    return client;
  }

  it.each(others)('ends a tunnel whose second hello has %s, nothing of it sent on', async (_what, second) => {
    const before = proxy.lines.length;
    const client = await asked();
    client.socket.write(second);
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes).toEqual(Buffer.concat([helloRetryRequest, alertAccessDenied]));
    expect(heldBack).toContainEqual(atOrigin);
    const line = await proxy.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
    expect(line).toMatchObject({ outcome: 'refused', host: 'origin.test', bytes_up: atOrigin.length });
  });

  it.each(departures)('passes $how on that comes in place of an answer', async ({ leave, wasReset, reason }) => {
    const before = proxy.lines.length;
    const client = await asked();
    leave();
    expect(await client.ended()).toMatchObject({ wasReset });
    client.socket.destroy();
    const line = await proxy.line({ msg: 'tunnel', reason }, before);
    expect(line).toMatchObject({ outcome: 'failed', host: 'origin.test', bytes_up: first.length });
  });

  it('holds back a second hello that comes with the first', async () => {
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(Buffer.concat([first, anotherName]));
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(atOrigin).toEqual(first);
  });

  it('ends it as well where the server asks byte by byte', async () => {
    answer = Array.from(helloRetryRequest, (byte) => Buffer.of(byte));
    const client = await asked();
    client.socket.write(anotherName);
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes).toEqual(Buffer.concat([helloRetryRequest, alertAccessDenied]));
    expect(atOrigin).toEqual(first);
  });

  it('relays what begins like the request for another hello, and is none', async () => {
    const before = proxy.lines.length;
    answer = [helloRetryRequest.subarray(0, 42), Buffer.of(0), Buffer.from('and on')];
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(first);
    await client.hears(49);
    client.socket.end(anotherName);
    expect((await client.ended()).bytes).toEqual(Buffer.concat(answer));
    expect(atOrigin).toEqual(Buffer.concat([first, anotherName]));
    const line = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ bytes_up: atOrigin.length, bytes_down: 49 });
  });

  it('sends on early data before the server has answered, and holds the second hello behind it', async () => {
    const client = await openClient(proxy.port('transparent'));
    const early = applicationData(16_000);
    client.socket.write(first.subarray(0, 40));
    await setImmediate();
    client.socket.write(Buffer.concat([first.subarray(40), early, anotherName]));
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(atOrigin).toEqual(Buffer.concat([first, early]));
  });

  it('sends on a second hello of the same name', async () => {
    const before = proxy.lines.length;
    const client = await asked();
    client.socket.end(modernHello('origin.test'));
    await client.ended();
    expect(atOrigin).toEqual(Buffer.concat([first, modernHello('origin.test')]));
    const line = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ bytes_up: atOrigin.length });
    expect(await proxy.metric('client_hellos_total{listener="transparent",version="TLSv1.3",ech="false"}')).toBe(
      others.length + departures.length + 5,
    );
  });

  it.each(departures)('passes $how on that comes while half a second hello is there', async (departure) => {
    const { leave, wasReset, reason } = departure;
    const before = proxy.lines.length;
    const client = await asked();
    client.socket.write(Buffer.concat([changeCipherSpec, anotherName.subarray(0, 20)]));
    await vi.waitUntil(() => atOrigin.length > first.length, { timeout: PATIENCE_MS });
    upstream?.write(alertAccessDenied);
    await client.hears(helloRetryRequest.length + alertAccessDenied.length);
    leave();
    expect(await client.ended()).toMatchObject({ wasReset });
    client.socket.destroy();
    const line = await proxy.line({ msg: 'tunnel', reason }, before);
    expect(line).toMatchObject({ outcome: 'failed', bytes_down: helloRetryRequest.length + alertAccessDenied.length });
    expect(atOrigin).toEqual(Buffer.concat([first, changeCipherSpec]));
  });

  const halfRecord = applicationData(100).subarray(0, 50);

  it.each([
    { how: 'a FIN', leave: (socket: Socket) => socket.end(), reason: 'client_closed' },
    { how: 'an RST', leave: (socket: Socket) => socket.resetAndDestroy(), reason: 'client_reset' },
  ])('passes $how on from a client that has said half a record behind its hello', async ({ leave, reason }) => {
    answer = [];
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(Buffer.concat([first, changeCipherSpec, halfRecord]));
    await vi.waitUntil(() => atOrigin.length > first.length, { timeout: PATIENCE_MS });
    leave(client.socket);
    const line = await proxy.line({ msg: 'tunnel', reason }, before);
    expect(line).toMatchObject({ outcome: 'ok', bytes_up: atOrigin.length });
    expect(atOrigin).toEqual(Buffer.concat([first, changeCipherSpec, halfRecord]));
  });

  it('ends a tunnel whose client has sent a second hello at once, and resets before the server answers', async () => {
    answer = [];
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(Buffer.concat([first, changeCipherSpec, anotherName]));
    await vi.waitUntil(() => atOrigin.length > first.length, { timeout: PATIENCE_MS });
    client.socket.resetAndDestroy();
    const line = await proxy.line({ msg: 'tunnel', reason: 'client_closed' }, before);
    expect(line).toMatchObject({ outcome: 'failed', stage: 'verify' });
    expect(atOrigin).toEqual(Buffer.concat([first, changeCipherSpec]));
  });

  it('keeps a tunnel whose server says nothing', async () => {
    const silent = await tcpOrigin(() => undefined, '127.0.0.2');
    const brief = await startSallyport(
      configText({
        transparent: [`port: ${silent.port}`, 'timeouts: { handshake: 200ms, idle: 1s }'],
        hosts: { 'silent.test': ['127.0.0.2'] },
      }),
    );
    const client = await openClient(brief.port('transparent'));
    client.socket.write(modernHello('silent.test'));
    await brief.tunnel({ outcome: 'ok', reason: 'idle' });
    client.socket.destroy();
    await brief.stop();
    silent.close();
  });
});

describe('a CONNECT that a transparent door serves', () => {
  let proxy: Running;
  beforeAll(async () => {
    proxy = await startSallyport(configText({ transparent: [`port: ${origin.port}`, 'misdirected: serve'] }));
  });
  afterAll(() => proxy.stop());

  async function asked(): Promise<Client> {
    const client = await openTunnel(proxy.port('transparent'), `origin.test:${origin.port}`);
    client.socket.write(first);
    await client.hears(helloRetryRequest.length + client.heard().length);
    return client;
  }

  it.each(others)('ends where its second hello has %s, nothing of it sent on', async (_what, second) => {
    const before = proxy.lines.length;
    const client = await asked();
    client.socket.write(second);
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
    expect(heldBack).toContainEqual(atOrigin);
    await proxy.line({ msg: 'tunnel', reason: 'sni_mismatch', stage: 'verify' }, before);
  });

  it('goes on with a second hello of the same name', async () => {
    const before = proxy.lines.length;
    const client = await asked();
    client.socket.end(Buffer.concat([changeCipherSpec, first]));
    await client.ended();
    expect(atOrigin).toEqual(Buffer.concat([first, changeCipherSpec, first]));
    const line = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ bytes_up: atOrigin.length, bytes_down: helloRetryRequest.length, status: 200 });
  });
});

describe('ech: deny', () => {
  const hidden = withExtension(modernHello('origin.test'), Buffer.of(0xfe, 0x0d, 0, 1, 0));

  it.each([
    { door: 'explicit', keys: { explicit: ['ech: deny', 'verify_sni: enforce'] } },
    { door: 'explicit', keys: { explicit: ['ech: deny', 'verify_sni: report'] } },
    { door: 'explicit', keys: { explicit: ['ech: deny', 'verify_sni: report'] }, authority: '127.0.0.1' },
    { door: 'transparent', keys: { transparent: ['ech: deny'] } },
  ])(
    'holds for a second hello at the $door door: $keys $authority',
    async ({ door, keys, authority = 'origin.test' }) => {
      const transparent = [`port: ${origin.port}`, ...(keys.transparent ?? [])];
      const proxy = await startSallyport(configText({ ...keys, transparent }));
      const client =
        door === 'explicit'
          ? await openTunnel(proxy.port(door), `${authority}:${origin.port}`)
          : await openClient(proxy.port(door));
      client.socket.write(first);
      await client.hears(client.heard().length + helloRetryRequest.length);
      client.socket.write(hidden);
      const { bytes } = await client.ended();
      client.socket.destroy();
      expect(bytes.subarray(-7)).toEqual(alertAccessDenied);
      expect(atOrigin).toEqual(first);
      expect(await proxy.tunnel({ reason: 'ech' })).toMatchObject({ outcome: 'refused', ech: true });
      await proxy.stop();
    },
  );
});

describe('the transparent door, by a parent whose answer is known', () => {
  let parent: Running;
  let proxy: Running;
  beforeAll(async () => {
    parent = await startSallyport(configText());
    const corp = `{ name: corp, type: http, address: "127.0.0.1:${parent.port('explicit')}" }`;
    const more = `egress: [${corp}]\ndefault_egress: corp`;
    proxy = await startSallyport(configText({ transparent: [`port: ${origin.port}`], more }));
    // Known after two tunnels.
    for (let time = 0; time < 2; time++) await carriesOn();
  });
  afterAll(() => Promise.all([proxy.stop(), parent.stop()]));

  it('sends on a second hello of the same name', () => carriesOn());

  it('ends a tunnel whose second hello has another name, nothing of it sent on', async () => {
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(first);
    await client.hears(helloRetryRequest.length);
    client.socket.write(anotherName);
    const { bytes } = await client.ended();
    client.socket.destroy();
    expect(bytes).toEqual(Buffer.concat([helloRetryRequest, alertAccessDenied]));
    expect(atOrigin).toEqual(first);
    const line = await proxy.line({ msg: 'tunnel', reason: 'sni_mismatch' }, before);
    expect(line).toMatchObject({ egress: 'corp', bytes_up: first.length });
  });

  async function carriesOn(): Promise<void> {
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(first);
    await client.hears(helloRetryRequest.length);
    client.socket.end(modernHello('origin.test'));
    expect((await client.ended()).bytes).toEqual(helloRetryRequest);
    const line = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ egress: 'corp', bytes_up: atOrigin.length });
    expect(atOrigin).toEqual(Buffer.concat([first, modernHello('origin.test')]));
    atOrigin = Buffer.alloc(0);
  }
});

describe('verify_sni: report', () => {
  it('counts another name in a second hello, and lets it pass', async () => {
    const client = await askedAgain(reporting);
    client.socket.end(anotherName);
    await client.ended();
    expect(atOrigin).toEqual(Buffer.concat([first, anotherName]));
    expect(await reporting.metric('sni_checks_total{listener="explicit",result="mismatch"}')).toBe(1);
    const detail = 'The ClientHello that follows a HelloRetryRequest names another host than the first.';
    await reporting.tunnel({ outcome: 'ok', detail });
  });
});
