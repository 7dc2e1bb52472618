/** What is no request and no ClientHello, at both doors: refused at once, in bounded memory, with nothing left behind. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNameServer } from '../../../packages/resolver/test/fake-name-server.ts';
import { configText } from '../harness/config-text.ts';
import { ask, type Client, echoOrigin, openClient, openTunnel, type Origin } from '../harness/peers.ts';
import { descriptorsOf, residentMiBOf } from '../harness/process-facts.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let proxy: Running;
let echo: Origin;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(
    configText({ more: 'limits: { tunnels_per_client: 20000 }\ntimeouts: { handshake: 700ms }' }),
  );
});

afterAll(async () => {
  expect(await proxy.stop()).toBe(0);
  expect(proxy.stderr()).toBe('');
  echo.close();
});

const DOORS = ['explicit', 'transparent'] as const;

/** The same bytes in every run, without a pattern in them. */
function randomBytes(length: number, seed: string): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** One byte, each length at which a header is just not whole, a segment, the limit and its neighbours, and far beyond it. */
const LENGTHS = [1, 2, 3, 4, 5, 6, 9, 10, 11, 43, 100, 1460, 16_383, 16_384, 16_385, 70_000];
/** How garbage may begin to get some way into a reader. */
const BEGINNINGS = ['', '16030100', '160301', '8080010301', '802e010002', 'CONNECT ', 'GET / HTTP/1.1\r\n'];

describe.each(DOORS)('garbage at the %s door', (door) => {
  it('is refused for a reason of its form, whatever it begins with and however long it is', async () => {
    const before = proxy.lines.length;
    const descriptorsBefore = descriptorsOf(proxy);
    const inputs = BEGINNINGS.flatMap((beginning) =>
      LENGTHS.map((length) => {
        const start = /^[0-9a-f]+$/.test(beginning) ? Buffer.from(beginning, 'hex') : Buffer.from(beginning);
        return Buffer.concat([start, randomBytes(length, `${door} ${beginning}`)]);
      }),
    );
    const answers = await Promise.all(inputs.map((bytes) => ask(proxy.port(door), bytes)));
    for (const answer of answers) expect(answer).not.toMatch(/^HTTP\/1\.1 (?:200|5)/);

    await expect.poll(() => refusalsAt(door, before).length).toBe(inputs.length);
    const formal = ['malformed', 'too_large', 'handshake_timeout', 'not_tls', 'misdirected', 'client_closed'];
    for (const { reason } of refusalsAt(door, before)) expect(formal).toContain(reason);
    await expect.poll(() => descriptorsOf(proxy)).toBeLessThanOrEqual(descriptorsBefore);
  });

  it('leaves the door open to others', async () => {
    const client = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    client.socket.write('still here');
    await client.hears('still here');
    client.socket.destroy();
  });

  const refusalsAt = (listener: string, from: number) =>
    proxy.lines.slice(from).filter((line) => line['msg'] === 'tunnel' && line['listener'] === listener);
});

/** ClientHello bytes: a record header (type, version, length), then a fragment. */
const record = (fragment: string): Buffer =>
  Buffer.from(`160301${(fragment.length / 2).toString(16).padStart(4, '0')}${fragment}`, 'hex');

describe('what would never end is refused as soon as that is certain, not at the deadline', () => {
  let patient: Running;
  beforeAll(async () => {
    patient = await startSallyport(
      configText({ more: 'limits: { tunnels_per_client: 20000 }\ntimeouts: { handshake: 1h }' }),
    );
  });
  afterAll(() => patient.stop());

  const manyFields = Array.from({ length: 4000 }, (_, index) => `X-${index}: y\r\n`).join('');
  it.each([
    { what: 'a request line without an end', bytes: `CONNECT ${'a'.repeat(70_000)}`, status: 431 },
    { what: 'a field without an end', bytes: `CONNECT a.test:443 HTTP/1.1\r\nX: ${'a'.repeat(70_000)}`, status: 431 },
    { what: 'fields without an end', bytes: `CONNECT a.test:443 HTTP/1.1\r\n${manyFields}`, status: 431 },
    { what: 'a head one byte over the limit', bytes: headOf(16_385), status: 431 },
    { what: 'a NUL in the first line', bytes: 'CONNECT a\0', status: 400 },
    { what: 'empty lines without an end', bytes: '\r\n'.repeat(40_000), status: 400 },
    { what: 'lines that end in LF', bytes: 'CONNECT a.test:443 HTTP/1.1\n', status: 400 },
  ])('at the explicit door: $what', async ({ bytes, status }) => {
    expect(await ask(patient.port('explicit'), bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it.each([
    { what: 'a handshake of 16 MiB', bytes: record('01ffffff'), reason: 'too_large' },
    { what: 'records of one byte without an end', bytes: tinyRecords(5_000, 4_000), reason: 'too_large' },
    { what: 'an empty record', bytes: record(''), reason: 'malformed' },
    {
      what: 'an empty record behind a good one',
      bytes: Buffer.concat([record('0100'), record('')]),
      reason: 'malformed',
    },
    { what: 'a record of more than 16 KiB', bytes: Buffer.from('1603014001', 'hex'), reason: 'malformed' },
    { what: 'another message than a ClientHello', bytes: record('02000000'), reason: 'malformed' },
    {
      what: 'a record of another type behind the first',
      bytes: Buffer.concat([record('0100'), Buffer.of(23)]),
      reason: 'malformed',
    },
    { what: 'TLS 4', bytes: Buffer.from('1604100000', 'hex'), reason: 'malformed' },
  ])('at the transparent door: $what', async ({ bytes, reason }) => {
    const before = patient.lines.length;
    const answer = await ask(patient.port('transparent'), bytes);
    expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 50));
    await patient.line({ msg: 'tunnel', listener: 'transparent', reason }, before);
  });

  it('takes a head of exactly the limit', async () => {
    // It gets as far as the dial, which nobody answers.
    expect(await ask(patient.port('explicit'), headOf(16_384))).toMatch(/^HTTP\/1\.1 502 /);
  });
});

function headOf(length: number): string {
  const around = 'CONNECT nowhere.invalid:443 HTTP/1.1\r\nX: \r\n\r\n';
  return around.replace('X: ', `X: ${'a'.repeat(length - around.length)}`);
}

/** A ClientHello of `bodyBytes` in records of one byte, as far as `count` of them. */
function tinyRecords(count: number, bodyBytes: number): Buffer {
  const message = Buffer.concat([Buffer.of(1, 0, bodyBytes >> 8, bodyBytes & 0xff), Buffer.alloc(bodyBytes)]);
  return Buffer.concat([...message.subarray(0, count)].map((byte) => Buffer.of(22, 3, 1, 0, 1, byte)));
}

describe('memory', () => {
  const PUSHED = Buffer.alloc(4 * 1024 * 1024, 'a');
  const CLIENTS = 200;

  it('holds no more than the limit of each client that sends without an end', async () => {
    const before = residentMiBOf(proxy);
    const clients = await pushFrom(CLIENTS, 'transparent', record('01003ff0'));
    // Each was refused at the limit, and what it goes on sending is not kept.
    await Promise.all(clients.map((client) => client.ended()));
    expect(residentMiBOf(proxy) - before).toBeLessThan(100);
    for (const { socket } of clients) socket.destroy();
  });

  it('holds back a client that sends on while its name is looked up', async () => {
    const silent = await startNameServer(() => undefined);
    const waiting = await startSallyport(
      configText({ more: 'limits: { tunnels_per_client: 20000 }' }).replace(
        'dns: { ',
        `dns: { timeout: 6s, servers: ["127.0.0.1:${silent.address.port}"], `,
      ),
    );
    const before = residentMiBOf(waiting);
    const head = Buffer.from('CONNECT slow.test:443 HTTP/1.1\r\nHost: slow.test\r\n\r\n');
    const clients = await pushFrom(CLIENTS, 'explicit', head, waiting);
    await expect.poll(() => waiting.metric('handshakes_active{listener="explicit"}')).toBe(CLIENTS);
    await Promise.all(clients.map(({ socket }) => whenHeldBack(socket)));
    // 64 KiB each is read ahead; all that was pushed would be 800 MiB.
    expect(residentMiBOf(waiting) - before).toBeLessThan(100);
    for (const { socket } of clients) socket.destroy();
    expect(await waiting.stop()).toBe(0);
    await silent.stop();
  });

  async function pushFrom(count: number, door: string, opening: Buffer, at = proxy): Promise<Client[]> {
    const clients = await Promise.all(Array.from({ length: count }, () => openClient(at.port(door))));
    for (const { socket } of clients) {
      socket.write(opening);
      socket.write(PUSHED);
    }
    return clients;
  }

  /** Resolves once the kernel has taken nothing more of what was written for a while. */
  async function whenHeldBack(socket: Client['socket']): Promise<void> {
    let taken = -1;
    await expect
      .poll(
        () => {
          const isStill = socket.bytesWritten - socket.writableLength === taken;
          taken = socket.bytesWritten - socket.writableLength;
          return isStill;
        },
        { interval: 300 },
      )
      .toBe(true);
  }
});
