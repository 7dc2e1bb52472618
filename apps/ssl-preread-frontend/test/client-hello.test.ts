import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readClientHello } from '../src/client-hello.ts';
import {
  alpn,
  browserHello,
  encryptedClientHello,
  extension,
  grease,
  greaseValue,
  hello,
  helloWith,
  join,
  padding,
  serverName,
  supportedVersions,
  vector16,
  vector8,
} from './hello-fixtures.ts';

describe('what a ClientHello says', () => {
  it('is all read out of a browser hello with GREASE, ECH and a post-quantum key share', () => {
    expect(readClientHello(browserHello('www.example.com'))).toEqual({
      kind: 'hello',
      hello: {
        sni: 'www.example.com',
        alpn: ['h2', 'http/1.1'],
        alpnDropped: 0,
        tls: 'TLSv1.3',
        ech: true,
        random: 0,
      },
    });
  });

  it.each([
    ['alone', [serverName('localhost')]],
    ['first', [serverName('localhost'), alpn('h2'), padding(10)]],
    ['in the middle', [grease(0), serverName('localhost'), padding(10)]],
    ['last', [extension(15, Uint8Array.of(1)), padding(0), serverName('localhost')]],
  ])('is its server_name, %s among the extensions', (_where, extensions) => {
    expect(readClientHello(hello(...extensions))).toMatchObject({ hello: { sni: 'localhost' } });
  });

  it.each([
    ['an SSL 3.0 hello, which ends before any extension', helloWith({ legacyVersion: 0x0300 })],
    ['an empty extension block', helloWith({ extensionBlock: vector16(new Uint8Array()) })],
    ['other extensions only', hello(alpn('h2'), padding(3))],
  ])('is no name in %s', (_what, message) => {
    const found = readClientHello(message);
    expect(found).toMatchObject({ kind: 'hello', hello: { sni: undefined } });
  });

  it('is ech where the extension is, and the outer name counts', () => {
    const found = readClientHello(hello(encryptedClientHello(), serverName('public.example')));
    expect(found).toMatchObject({ hello: { ech: true, sni: 'public.example' } });
  });

  it('is no ech and no protocols where those extensions are not', () => {
    expect(readClientHello(hello(serverName('a.example')))).toMatchObject({ hello: { ech: false, alpn: [] } });
  });
});

describe('the highest version offered', () => {
  it.each([
    [0x0300, 'SSLv3'],
    [0x0301, 'TLSv1.0'],
    [0x0302, 'TLSv1.1'],
    [0x0303, 'TLSv1.2'],
    [0x0304, 'TLSv1.3'],
    [0x0400, 'TLSv1.3'],
    [0xfefd, 'TLSv1.3'],
    [0x0200, 'SSLv2'],
  ])('is legacy_version %d without supported_versions: %s', (legacyVersion, tls) => {
    expect(readClientHello(helloWith({ legacyVersion }))).toMatchObject({ hello: { tls } });
  });

  it.each([
    ['the highest of the list, wherever it stands', [0x0302, 0x0304, 0x0303], 'TLSv1.3'],
    ['not GREASE', [greaseValue(15), 0x0303, 0x0302], 'TLSv1.2'],
    ['not a draft', [0x7f1c, 0x0303], 'TLSv1.2'],
    ['lower than legacy_version, if the list is', [0x0301], 'TLSv1.0'],
    ['legacy_version, if the list has no version with a name', [greaseValue(0)], 'TLSv1.2'],
  ])('is %s', (_what, versions, tls) => {
    expect(readClientHello(hello(supportedVersions(...versions)))).toMatchObject({ hello: { tls } });
  });
});

describe('its random', () => {
  const randomOf = (random: Uint8Array) => {
    const read = readClientHello(helloWith({ random }));
    return read.kind === 'hello' ? read.hello.random : undefined;
  };

  it('tells it from every other one, and is the same each time', () => {
    const randoms = Array.from({ length: 100 }, () => randomBytes(32));
    expect(new Set(randoms.map(randomOf)).size).toBe(100);
    expect(randoms.map(randomOf)).toEqual(randoms.map(randomOf));
  });

  it.each([
    ['of one byte', Buffer.alloc(32, 7)],
    ['of zeros behind a mark', Buffer.from('0100000000000000ff'.padEnd(64, '0'), 'hex')],
  ])('is none where it was made by hand: %s', (_what, random) => {
    expect(randomOf(random)).toBe(0);
  });
});

describe('what is not needed for the name', () => {
  const block = { extensionBlock: vector16(serverName('a.example')) };

  it.each([
    ['a session id over 32 bytes', helloWith({ ...block, sessionId: vector8(Buffer.alloc(33)) })],
    ['no cipher suite', helloWith({ ...block, cipherSuites: vector16(new Uint8Array()) })],
    ['half a cipher suite', helloWith({ ...block, cipherSuites: vector16(Buffer.alloc(3)) })],
    ['no compression method', helloWith({ ...block, compressionMethods: vector8(new Uint8Array()) })],
    ['legacy_version of major 0', helloWith({ ...block, legacyVersion: 0x0000 })],
    ['legacy_version of major 2', helloWith({ ...block, legacyVersion: 0x0200 })],
    ['legacy_version of major 4', helloWith({ ...block, legacyVersion: 0x0400 })],
    ["legacy_version of GREASE's", helloWith({ ...block, legacyVersion: 0x7a7a })],
    ['DTLS', helloWith({ ...block, legacyVersion: 0xfefd })],
    ['two extensions of one other type', hello(alpn('h2'), serverName('a.example'), alpn('http/1.1'))],
    ['two of an unknown type', hello(grease(1), serverName('a.example'), grease(1))],
    ['an unknown extension of any content', hello(extension(0x1234, Buffer.alloc(9, 0xff)), serverName('a.example'))],
  ])('is not judged: %s', (_what, message) => {
    expect(readClientHello(message)).toMatchObject({ kind: 'hello', hello: { sni: 'a.example' } });
  });
});

describe('malformed', () => {
  const good = hello(serverName('example.com'), alpn('h2'));
  const block = join(serverName('example.com'), alpn('h2'));

  it.each([
    [
      'an extension block one byte longer than its content',
      helloWith({ extensionBlock: vector16(block, block.length + 1) }),
    ],
    [
      'an extension block one byte shorter than its content',
      helloWith({ extensionBlock: vector16(block, block.length - 1) }),
    ],
    ['a byte behind the extension block', helloWith({ extensionBlock: join(vector16(block), 0) })],
    ['half a length of the extension block', helloWith({ extensionBlock: Uint8Array.of(0) })],
    ['an extension that reaches beyond the block', hello(join(0, 0x15, vector16(Buffer.alloc(4), 5)))],
    ['an extension without a length', hello(Uint8Array.of(0, 0x15))],
    ['a garbage extension block', helloWith({ extensionBlock: vector16(Buffer.alloc(7, 0xff)) })],
    ['two server_name extensions, of different names', hello(serverName('a.example'), serverName('b.example'))],
    ['two server_name extensions, of one name', hello(serverName('a.example'), alpn('h2'), serverName('a.example'))],
    ['a session id that takes everything else with it', helloWith({ sessionId: vector8(Buffer.alloc(4), 255) })],
    ['an empty message', Uint8Array.of(1, 0, 0, 0)],
  ])('is %s', (_what, message) => {
    expect(readClientHello(message)).toMatchObject({ kind: 'malformed' });
  });

  it.each([
    ['a part of an extension', Uint8Array.of(0)],
    ['an extension that is too long', join(0, 0x15, vector16(Buffer.alloc(4), 5))],
  ])('is a name with %s behind it, and is not said to name two', (_what, rest) => {
    const why = 'an extension is longer than their list';
    expect(readClientHello(hello(serverName('a.example'), rest))).toEqual({ kind: 'malformed', why });
  });

  it('is a message cut anywhere but before its extensions', () => {
    const withoutExtensions = helloWith({}).length;
    for (let length = 4; length < good.length; length += 1) {
      const kind = length === withoutExtensions ? 'hello' : 'malformed';
      expect(readClientHello(good.subarray(0, length)), `cut to ${length}`).toMatchObject({ kind });
    }
  });
});
