/** The table of special addresses beside another's: ipaddr.js has read the registries for itself. */
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { expect, it } from 'vitest';
import { ipFromWords } from '../src/ip.ts';
import { specialPurposeOf } from '../src/special.ts';

/** Sets that ipaddr.js names, and that are globally reachable by the registries (RFC 6052, 7450, 7535, 7343, 9374). */
const REACHABLE: readonly string[] = [
  'unicast',
  'rfc6052',
  'amt',
  'as112v6',
  'as112',
  'orchid2',
  'droneRemoteIdProtocolEntityTags',
];

/** In 2001::/23, which ipaddr.js takes whole (RFC 7723, 8155, 9665). */
const ANYCAST: readonly string[] = ['2001:1::1', '2001:1::2', '2001:1::3', '192.0.0.9', '192.0.0.10'];

const word = fc.nat(0xffff_ffff);
/** Where the registries have their blocks: a random address is hardly ever near one. */
const firstWord = fc.oneof(
  word,
  fc.constantFrom(0x0, 0x64ff9b, 0x1000000, 0x20010000, 0x20010001, 0x20010002, 0x20010004, 0x20010010, 0x20010020),
  fc.constantFrom(
    0x20010030,
    0x20010db8,
    0x20020000,
    0x3fff0000,
    0x5f000000,
    0xfc000000,
    0xfe800000,
    0xfec00000,
    0xff020000,
  ),
);
const secondWord = fc.oneof(word, fc.constantFrom(0x0, 0x10000, 0x1120000));

it.each([
  ['IPv4', fc.tuple(word)],
  ['IPv6', fc.tuple(firstWord, secondWord, fc.oneof(word, fc.constant(0)), word)],
] as const)('holds every %s address that ipaddr.js takes for reserved', (_family, words) => {
  fc.assert(
    fc.property(words, (each) => {
      const ip = ipFromWords(each);
      if (ANYCAST.includes(ip.text) || REACHABLE.includes(ipaddr.parse(ip.text).range())) return;
      expect({ address: ip.text, purpose: specialPurposeOf(ip) }).toMatchObject({
        purpose: expect.anything() as unknown,
      });
    }),
    { numRuns: 5_000 },
  );
});
