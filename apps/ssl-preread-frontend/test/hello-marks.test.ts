/** A hello that agrees with another one in all marked bytes is read as that one is: so what was decided for the one holds for the other. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import type { HelloFacts } from '@sallyport/tunnel-server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRandom } from '../src/client-hello.ts';
import { type HelloMarks, markHello } from '../src/hello-marks.ts';
import { createHelloScan } from '../src/read-hello.ts';
import { damagedHello, goodHello, recordsOfGoodHello } from './hello-arbitraries.ts';
import {
  alpn,
  browserHello,
  extension,
  hello,
  helloWith,
  join,
  record,
  recordsCutAt,
  serverName,
  sslv2Hello,
  vector8,
} from './hello-fixtures.ts';

/** Hellos as they are sent, most of them well-formed. */
const sent = fc.oneof(
  goodHello.map((message) => record(message)),
  damagedHello.map((message) => record(message)),
  fc.constant(record(browserHello('www.example.com'))),
);

describe('the bytes of a hello that are not marked', () => {
  it('make no difference to what is read of it, whatever they are', () => {
    fc.assert(
      fc.property(fc.gen(), sent, (chance, bytes) => {
        const facts = factsOf(bytes);
        fc.pre(facts !== undefined);
        const marks = marksOf(bytes);
        const other = bytes.map((byte, at) => (marks.mask[at] === 0 ? chance(fc.nat, { max: 255 }) : byte));
        expectAlike(other, { facts, marks });
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['TLS 1.3', { servername: 'node.example.com', ALPNProtocols: ['h2', 'http/1.1'] }],
    ['TLS 1.2', { servername: 'node.example.com', maxVersion: 'TLSv1.2' }],
    ['no name', {}],
  ] as const)('are all that differs in two hellos of OpenSSL with %s', async (_what, options) => {
    const [one, other] = [await captureHello(options), await captureHello(options)];
    const facts = factsOf(one);
    if (facts === undefined) throw new Error('it is no whole hello');
    expect(facts.random).not.toBe(0);
    expect(other).not.toEqual(one);
    expectAlike(other, { facts, marks: marksOf(one) });
  });

  it('are none of the lengths, types and versions, and none of the name, the protocols and the versions', () => {
    const bytes = record(browserHello('www.example.com'));
    const { mask } = marksOf(bytes);
    const kept = Buffer.from(bytes.filter((_byte, at) => mask[at] !== 0)).toString('latin1');
    expect(kept).toContain('www.example.com');
    expect(kept).toContain('h2\x08http/1.1');
    expect(kept).not.toMatch(/\xaa\xaa|\xbb\xbb|\xcc\xcc|\xdd\xdd/);
    expect([...new Set(mask)].sort()).toEqual([0, 0xff]);
  });
});

describe('the marked bytes', () => {
  it.each([
    ['the server name', serverName('a.example'), serverName('b.example')],
    ['a protocol', alpn('h2'), alpn('h3')],
    ['the type of an extension', extension(0xfe0c, Buffer.alloc(8)), extension(0xfe0d, Buffer.alloc(8))],
  ])('tell hellos apart that differ in %s', (_what, one, other) => {
    const [bytes, changed] = [record(hello(one)), record(hello(other))];
    expect(changed.length).toBe(bytes.length);
    expect(isLike(changed, bytes, marksOf(bytes).mask)).toBe(false);
  });

  it('are there in a hello without extensions, too', () => {
    const bytes = record(helloWith({}));
    const withoutSession = record(helloWith({ sessionId: vector8(new Uint8Array()) }));
    expect([...marksOf(bytes).mask.subarray(-8)]).toEqual([0xff, 0xff, 0, 0, 0, 0, 0xff, 0]);
    expect(marksOf(withoutSession).mask.length).toBe(bytes.length - 32);
  });

  it('tell hellos apart that are not read alike, wherever a byte is changed', () => {
    const bytes = record(browserHello('www.example.com'));
    const facts = factsOf(bytes);
    const { mask } = marksOf(bytes);
    for (const at of bytes.keys()) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        if (isLike(changed, bytes, mask)) expect({ ...factsOf(changed), random: 0 }, `byte ${at}`).toEqual(facts);
      }
    }
  });
});

describe('the place of the random', () => {
  it('has the bytes that it is read from', () => {
    fc.assert(
      fc.property(goodHello, fc.uint8Array({ minLength: 32, maxLength: 32 }), (message, random) => {
        const bytes = record(message);
        bytes.set(random, 5 + 4 + 2);
        expect(readRandom(at(bytes, marksOf(bytes).random))).toBe(factsOf(bytes)?.random);
      }),
    );
  });
});

describe('there are no marks', () => {
  const message = hello(serverName('a.example'));

  it.each([
    ['a hello in two records', recordsCutAt(message, [40])],
    ['a hello whose message header is in a record of its own', recordsCutAt(message, [4])],
    ['a hello of SSL 2.0', sslv2Hello()],
    ['a byte behind the hello', join(record(message), 0)],
    ['another record behind the hello', join(record(message), record(Uint8Array.of(1), { type: 20 }))],
    ['half a hello', record(message).subarray(0, 30)],
    ['nothing', new Uint8Array()],
  ])('for %s', (_what, bytes) => {
    expect(markHello(bytes)).toBeUndefined();
  });

  it('for hellos in several records, wherever they are cut', () => {
    fc.assert(
      fc.property(recordsOfGoodHello, ({ message: whole, records }) => {
        expect(markHello(records) === undefined).toBe(records.length > record(whole).length);
      }),
    );
  });
});

/** What comes of it: the facts but for the random, which is that of the nonce, and the same marks again. */
function expectAlike(other: Uint8Array, { facts, marks }: { facts: HelloFacts; marks: HelloMarks }): void {
  expect(factsOf(other)).toEqual({ ...facts, random: readRandom(at(other, marks.random)) });
  expect(marksOf(other)).toEqual(marks);
}

function factsOf(bytes: Uint8Array): HelloFacts | undefined {
  const scanned = createHelloScan()(bytes);
  return scanned.kind === 'hello' && scanned.endsAt === bytes.length ? scanned.hello : undefined;
}

function marksOf(bytes: Uint8Array): HelloMarks {
  const marks = markHello(bytes);
  if (marks === undefined) throw new Error('it has no marks');
  return marks;
}

function isLike(one: Uint8Array, other: Uint8Array, mask: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => ((byte ^ (other[at] ?? 0)) & (mask[at] ?? 0)) === 0);
}

function at(bytes: Uint8Array, { at: start, length }: HelloMarks['random']): Uint8Array {
  return bytes.subarray(start, start + length);
}

/** What the TLS client of Node.js sends first. */
async function captureHello(options: ConnectionOptions): Promise<Uint8Array> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = new Promise<Uint8Array>((resolve) =>
    server.once('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        if (createHelloScan()(bytes).kind !== 'need-more') resolve(bytes);
      });
    }),
  );
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...options });
  client.on('error', () => client.destroy());
  const bytes = await arrived;
  client.destroy();
  server.close();
  return bytes;
}
