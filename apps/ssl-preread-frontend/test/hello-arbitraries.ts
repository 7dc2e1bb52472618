/** Hellos by chance, good and bad, for properties. */
import fc from 'fast-check';
import {
  alpn,
  encryptedClientHello,
  grease,
  greaseValue,
  helloWith,
  join,
  padding,
  record,
  recordsCutAt,
  serverName,
  supportedVersions,
  uint16,
  vector16,
  vector8,
} from './hello-fixtures.ts';

const label = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/).filter((text) => !/^xn--/i.test(text));
/** Host names in any case, with or without a trailing dot. */
const hostName = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([labels, hasDot]) => labels.join('.') + (hasDot ? '.' : ''));

const protocol = fc.stringMatching(/^[a-z0-9./-]{1,12}$/);
const version = fc.oneof(fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303, 0x0304), fc.nat({ max: 15 }).map(greaseValue));

const extensions = fc
  .tuple(
    fc.option(hostName.map(serverName)),
    fc.option(fc.array(protocol, { minLength: 1, maxLength: 4 }).map((list) => alpn(...list))),
    fc.option(fc.array(version, { minLength: 1, maxLength: 6 }).map((list) => supportedVersions(...list))),
    fc.option(fc.constant(encryptedClientHello())),
    fc.option(fc.nat({ max: 15 }).map(grease)),
    fc.option(fc.nat({ max: 2_000 }).map(padding)),
  )
  .map((list) => list.filter((extension) => extension !== null))
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }));

/** A good ClientHello, its extension block included. */
export const goodHello = fc
  .record({
    legacyVersion: fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303, 0x0304),
    sessionId: fc.uint8Array({ maxLength: 32 }).map((id) => vector8(id)),
    cipherSuites: fc
      .array(fc.nat({ max: 0xffff }).map(uint16), { minLength: 1, maxLength: 30 })
      .map((list) => vector16(join(...list))),
    extensionBlock: extensions.map((list) => vector16(join(...list))),
  })
  .map(helloWith);

/** The same with up to three bytes changed: mostly bad, and bad in the places that matter. */
export const damagedHello = goodHello.chain((message) =>
  fc
    .array(fc.tuple(fc.nat({ max: message.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 })
    .map((changes) => {
      const damaged = Uint8Array.from(message);
      for (const [at, byte] of changes) damaged[at] = byte;
      return damaged;
    }),
);

const CUTS = { maxLength: 40 };

/** A good hello and the records it was cut into at random. */
export const recordsOfGoodHello = goodHello.chain((message) =>
  fc.array(fc.nat({ max: message.length }), CUTS).map((cuts) => ({ message, records: recordsCutAt(message, cuts) })),
);

/** Bytes that may get some way into the reader before they turn out to be nothing. */
export const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => join(0x16, 3, 1, bytes)),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => record(join(1, bytes))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => join(0x80, 0x2e, 1, 3, 1, bytes)),
  damagedHello.map((message) => record(message)),
);
