import { describe, expect, it } from 'vitest';
import { readAlpn, readServerName, readSupportedVersions } from '../src/hello-extensions.ts';
import { VectorReader } from '../src/vector-reader.ts';
import { join, serverNameEntry, uint16, vector16, vector8 } from './hello-fixtures.ts';

describe('server_name', () => {
  const read = (data: Uint8Array) => readServerName(new VectorReader(data));
  const readName = (name: string) => read(vector16(serverNameEntry(name)));

  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['1password.com', '1password.com'],
    ['r3---sn-x.googlevideo.com', 'r3---sn-x.googlevideo.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is the host %s', (name, host) => {
    expect(readName(name)).toEqual({ kind: 'name', host });
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('%s is an address, which counts as no name', (name, literal) => {
    expect(readName(name)).toEqual({ kind: 'literal', literal });
  });

  it.each([
    ['an empty name', ''],
    ['a lone dot', '.'],
    ['two trailing dots', 'example.com..'],
    ['an empty label', 'a..example'],
    ['an IPv4 address with a trailing dot', '192.0.2.1.'],
    ['an IPv6 address with a zone', 'fe80::1%lo'],
    ['a short IPv4 address', '127.1'],
    ['a hexadecimal IPv4 address', '0x7f.1'],
    ['a decimal IPv4 address', '2130706433'],
    ['an octal IPv4 address', '017700000001'],
    ['a port', 'example.com:443'],
    ['a NUL', 'example.com\0.evil.example'],
    ['a space', 'exa mple.com'],
    ['a line feed', 'example.com\n'],
    ['a slash', 'example.com/'],
    ['a pipe', 'foo|f'],
    ['an asterisk', '*.example.com'],
    ['raw UTF-8', Buffer.from('bücher.example').toString('latin1')],
    ['a label of 64 characters', `${'a'.repeat(64)}.example`],
    ['a name of 254 characters', `${'a.'.repeat(126)}aa`],
  ])('with %s is malformed', (_what, name) => {
    expect(readName(name)).toMatchObject({ kind: 'malformed' });
  });

  it.each([
    ['an empty extension', new Uint8Array()],
    ['an empty list', vector16(new Uint8Array())],
    ['two host_names', vector16(join(serverNameEntry('a.example'), serverNameEntry('b.example')))],
    ['a second entry of another type', vector16(join(serverNameEntry('a.example'), serverNameEntry('x', 1)))],
    ['an unknown name_type', vector16(serverNameEntry('a.example', 1))],
    ['a byte behind the list', join(vector16(serverNameEntry('a.example')), 0)],
    ['a byte behind the name', vector16(join(serverNameEntry('a.example'), 0))],
    ['a list longer than the extension', vector16(serverNameEntry('a.example'), 13)],
    ['a name longer than the list', vector16(join(0, vector16(join('a.example'), 10)))],
    ['a name length of 255 with 3 bytes', vector16(join(0, vector16(join('abc'), 255)))],
    ['half a name length', vector16(Uint8Array.of(0, 0))],
  ])('is malformed as %s', (_what, data) => {
    expect(read(data)).toMatchObject({ kind: 'malformed' });
  });

  it('has no A-label proposed for bytes that were never Latin', () => {
    const utf8 = Buffer.from('bücher.example').toString('latin1');
    expect(JSON.stringify(readName(utf8))).not.toContain('xn--');
  });

  it('says nothing of what the client wrote, which a log would have to escape', () => {
    expect(JSON.stringify(readName('\u001b[2Jevil<>'))).not.toMatch(/evil|\[2J/);
  });
});

describe('ALPN', () => {
  const read = (data: Uint8Array) => readAlpn(new VectorReader(data));
  const name = (text: string) => vector8(join(text));

  it.each([
    ['one', vector16(name('foo')), ['foo']],
    ['two, in their order', vector16(join(name('foo'), name('bar'))), ['foo', 'bar']],
    ['one of 255 bytes', vector16(name('x'.repeat(255))), ['x'.repeat(255)]],
    ['none where the list is empty', vector16(new Uint8Array()), []],
    ['none that is empty', vector16(join(name('h2'), name(''))), ['h2']],
  ])('lists %s', (_what, data, protocols) => {
    expect(read(data)).toEqual({ kind: 'alpn', protocols, dropped: 0 });
  });

  it.each([
    ['16 names', Array.from({ length: 5_300 }, (_, at) => `${at}`.padStart(2, '0').slice(-2)), 16],
    ['255 bytes', ['h2', 'x'.repeat(252), 'a', 'b', ''], 3],
    ['255 bytes, the first too long for them left out with all behind it', ['h2', 'x'.repeat(254), 'a'], 1],
  ])('keeps at most %s, and counts the rest', (_what, offered, kept) => {
    expect(read(vector16(join(...offered.map(name))))).toEqual({
      kind: 'alpn',
      protocols: offered.slice(0, kept),
      dropped: offered.length - kept,
    });
  });

  it('reads to its end what it does not keep', () => {
    const names = Array.from({ length: 40 }, () => name('h2'));
    expect(read(vector16(join(...names, vector8(join('h2'), 3))))).toMatchObject({ kind: 'malformed' });
  });

  it.each([
    ['an empty extension', new Uint8Array()],
    ['a protocol longer than the list', vector16(vector8(join('h2'), 3))],
    ['a list longer than the extension', vector16(name('h2'), 4)],
    ['a list shorter than the extension', join(vector16(name('h2')), name('h2'))],
  ])('is malformed as %s', (_what, data) => {
    expect(read(data)).toMatchObject({ kind: 'malformed' });
  });
});

describe('supported_versions', () => {
  const read = (data: Uint8Array) => readSupportedVersions(new VectorReader(data));

  it('has a highest version', () => {
    expect(read(vector8(join(uint16(0x0303), uint16(0x0304))))).toEqual({ kind: 'versions', highest: 0x0304 });
  });

  it.each([
    ['an empty list', vector8(new Uint8Array()), { kind: 'versions' }],
    ['half a version at its end', vector8(Uint8Array.of(3, 4, 3)), { kind: 'versions', highest: 0x0304 }],
  ])('is not judged: %s', (_what, data, versions) => {
    expect(read(data)).toEqual(versions);
  });

  it.each([
    ['an empty extension', new Uint8Array()],
    ['a list longer than the extension', vector8(uint16(0x0304), 4)],
    ['a list shorter than the extension', join(vector8(uint16(0x0304)), 0)],
  ])('is malformed as %s', (_what, data) => {
    expect(read(data)).toMatchObject({ kind: 'malformed' });
  });
});
