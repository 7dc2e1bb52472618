import { isIP } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../src/ip.ts';

describe('parseIp', () => {
  it.each([
    ['0.0.0.0', [0]],
    ['127.0.0.1', [0x7f000001]],
    ['255.255.255.255', [0xffffffff]],
    ['10.20.30.40', [0x0a141e28]],
  ])('reads the dotted quad %s as one unsigned word', (text, words) => {
    expect(parseIp(text)).toEqual({ family: 4, text, words });
  });

  it.each([
    ['::', '::', [0, 0, 0, 0]],
    ['::1', '::1', [0, 0, 0, 1]],
    ['1::', '1::', [0x10000, 0, 0, 0]],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', [0x20010db8, 0, 0, 1]],
    ['2001:0db8::0001', '2001:db8::1', [0x20010db8, 0, 0, 1]],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', [0x20010db8, 1, 0x10001, 0x10001]],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', [0x20010000, 1, 0, 1]],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', [0x20010db8, 0, 0x10000, 1]],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', [0x10002, 0x30004, 0x50006, 0x70000]],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8', [2, 0x30004, 0x50006, 0x70008]],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221', [0x64ff9b, 0, 0, 0xc0000221]],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304', [0x10002, 0x30004, 0x50006, 0x1020304]],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', Array(4).fill(0xffffffff)],
  ])('reads %s and spells it %s (RFC 5952)', (input, text, words) => {
    expect(parseIp(input)).toEqual({ family: 6, text, words });
  });

  it.each(['::ffff:10.0.0.1', '::FFFF:a00:1', '0:0:0:0:0:ffff:0a00:0001'])(
    'reads the IPv4-mapped %s as IPv4',
    (text) => {
      expect(parseIp(text)).toEqual({ family: 4, text: '10.0.0.1', words: [0x0a000001] });
    },
  );

  it.each(
    [
      ['', ' ', '1', '1.2.3', '1.2.3.4.5', '1.2.3.', '.1.2.3', '1..2.3', '256.1.1.1', '1.2.3.256'],
      ['01.2.3.4', '1.2.3.04', '00.0.0.0', '1.2.3.4 ', ' 1.2.3.4', '0x1.2.3.4', '1.2.3.4/32', '-1.2.3.4', '١.2.3.4'],
      [':', ':::', ':1', '1:', '1:2', '::1::', '1:::2', '::12345', '::g', '::1%lo', '[::1]', '::1/128', ' ::1'],
      ['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', '1:2:3:4::5:6:7:8'],
      ['::1.2.3', '::1.2.3.04', '1.2.3.4::', '::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4', '::ffff:256.0.0.1', '::+1'],
    ].flat(),
  )('reads %j as no address', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it('agrees with node:net on every text made of the characters of addresses', () => {
    const nearlyAddress = fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefF:.')), maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(nearlyAddress, fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        expect(parseIp(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with ipaddr.js on the value and the spelling of every IPv6 address in hexadecimal', () => {
    // With a dotted quad at the end, ipaddr.js takes the IPv4-compatible form for the mapped one.
    const hexadecimal = fc.ipV6().filter((text) => !text.includes('.'));
    fc.assert(
      fc.property(hexadecimal, (text) => {
        const theirs = ipaddr.IPv6.parse(text);
        if (theirs.isIPv4MappedAddress()) {
          expect(parseIp(text)?.text).toBe(theirs.toIPv4Address().toString());
          return;
        }
        const bytes = parseIp(text)?.words.flatMap((word) => [
          word >>> 24,
          (word >>> 16) & 255,
          (word >>> 8) & 255,
          word & 255,
        ]);
        expect(bytes).toEqual(theirs.toByteArray());
        expect(parseIp(text)?.text).toBe(theirs.toRFC5952String());
      }),
      { numRuns: 5_000 },
    );
  });

  it('reads back what it spells', () => {
    const word = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 0x10000, 0xffff_ffff));
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (words) => {
        fc.pre(!(words[0] === 0 && words[1] === 0 && words[2] === 0xffff));
        expect(parseIp(formatIp(words))?.words).toEqual(words);
      }),
    );
  });
});
