import { CLIENT_SETS, DESTINATION_SETS } from '@sallyport/addresses';
import { describe, expect, it } from 'vitest';
import {
  readAdminBind,
  networkCutFrom,
  bindText,
  readBind,
  readDestination,
  readHostKey,
  readHostName,
  readIp,
  readListenerBind,
  readNetwork,
  readServer,
  readSourceAddress,
  readTested,
} from '../src/addresses.ts';

const shorthands = [
  '127.1',
  '0x7f.1',
  '2130706433',
  '017700000001',
  '127.0.0.01',
  '0',
  '①.0.0.1',
  '1.2.3.4.5',
  '256.0.0.1',
];

describe('readIp', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
  ])('spells %s canonically', (text, ip) => {
    expect(readIp(text)).toBe(ip);
  });

  it.each([...shorthands, '', 'localhost', '::1%lo', '[::1]', ' ::1', '1.2.3.4/32'])(
    'reads no address in %j',
    (text) => {
      expect(readIp(text)).toBeUndefined();
    },
  );
});

describe('readBind', () => {
  it.each([
    ['0.0.0.0:3128', '0.0.0.0', 3128],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::]:443', '::', 443],
    ['[0:0::1]:65535', '::1', 65_535],
    ['localhost:8080', '127.0.0.1', 8080],
  ])('reads %s', (text, host, port) => {
    expect(readBind(text)).toEqual({ kind: 'ok', value: { host, port } });
  });

  it.each([
    ['*:3128', 'for every IPv4 address write "0.0.0.0:3128", for IPv6 "[::]:3128"'],
    [':3128', 'for every IPv4 address write "0.0.0.0:3128", for IPv6 "[::]:3128"'],
    ['3128', 'a port alone does not say where to listen; write "0.0.0.0:3128"'],
    ['systemd:https', 'only listeners take sockets that systemd passes; give host:port'],
    ['proxy.example:3128', '"proxy.example" is not an IP address; listen on one'],
    ['127.1:3128', '"127.1" is not an IP address; listen on one'],
    ['[fe80::1]:3128', 'fe80::1 is a link-local address, which needs a zone; write "[::]:3128"'],
    ['[febf::1]:3128', 'febf::1 is a link-local address, which needs a zone; write "[::]:3128"'],
    [
      '224.0.0.251:3128',
      '224.0.0.251 is a multicast address, to which no client can connect; for every IPv4 address write "0.0.0.0:3128", for IPv6 "[::]:3128"',
    ],
    ['[ff02::1]:443', expect.stringContaining('ff02::1 is a multicast address, to which no client can connect')],
    ['[::ffff:239.1.2.3]:443', expect.stringContaining('239.1.2.3 is a multicast address')],
    ['255.255.255.255:443', expect.stringContaining('255.255.255.255 is the broadcast address')],
    ['[fe80::1%eth0]:3128', '"fe80::1%eth0" is not an IP address; listen on one'],
    ['::1:3128', expect.stringContaining('with brackets round an IPv6 address')],
    ['0.0.0.0:65536', expect.stringContaining('expected host:port')],
    ['0.0.0.0', expect.stringContaining('expected host:port')],
    ['0.0.0.0:', expect.stringContaining('expected host:port')],
    ['[127.0.0.1]:3128', expect.stringContaining('expected host:port')],
    ['', expect.stringContaining('expected host:port')],
  ])('refuses %j with a remedy', (text, why: unknown) => {
    expect(readBind(text)).toEqual({ kind: 'malformed', why });
  });
});

describe('readAdminBind', () => {
  it.each([
    ['9128', 'a port alone does not say where to listen; write "127.0.0.1:9128"'],
    ['*:9128', 'for this machine alone write "127.0.0.1:9128", else an address of a network that is trusted'],
    [':9128', 'for this machine alone write "127.0.0.1:9128", else an address of a network that is trusted'],
    ['[fe80::1]:9128', 'fe80::1 is a link-local address, which needs a zone; write "[::1]:9128"'],
  ])('refuses %j, and sends nobody to an address that strangers reach', (text, why) => {
    expect(readAdminBind(text)).toEqual({ kind: 'malformed', why });
  });

  it.each([
    ['unix:admin.sock', 'unix: is followed by an absolute path; write unix:/run/sallyport/admin.sock, say'],
    ['unix:/run/', 'a socket has a name of its own; write unix:/run/admin.sock, say'],
    // The system would listen on what stands before it.
    ['unix:/run/a\0.sock', 'a path holds no NUL character; remove it'],
    [`unix:/${'a'.repeat(107)}`, 'the path of a socket has at most 107 bytes'],
  ])('refuses %j, which no socket can have', (text, why) => {
    expect(readAdminBind(text)).toEqual({ kind: 'malformed', why });
  });
});

describe('readSourceAddress', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['2001:DB8::0:7', '2001:db8::7'],
  ])('reads %s', (text, value) => {
    expect(readSourceAddress(text)).toEqual({ kind: 'ok', value });
  });

  it.each([
    ['0.0.0.0', '0.0.0.0 is no address of its own; write an address of this machine'],
    ['::', ':: is no address of its own; write an address of this machine'],
    ['239.1.2.3', '239.1.2.3 is a multicast address; write an address of this machine'],
    ['ff02::1', 'ff02::1 is a multicast address; write an address of this machine'],
    ['255.255.255.255', '255.255.255.255 is the broadcast address; write an address of this machine'],
    ['fe80::1', 'fe80::1 is a link-local address, which needs a zone; write an address of this machine'],
  ])('refuses %s, from which nothing can be dialled', (text, why) => {
    expect(readSourceAddress(text)).toEqual({ kind: 'malformed', why });
  });
});

describe('readListenerBind', () => {
  it('reads an address as any bind, and the name of sockets that systemd passes', () => {
    expect(readListenerBind('127.0.0.1:3128')).toEqual({ kind: 'ok', value: { host: '127.0.0.1', port: 3128 } });
    expect(readListenerBind('systemd:door-1.tls')).toEqual({ kind: 'ok', value: { systemd: 'door-1.tls' } });
  });

  it.each(['systemd:', 'systemd:two words', 'systemd:a:b', `systemd:${'a'.repeat(256)}`])('refuses %j', (text) => {
    expect(readListenerBind(text)).toMatchObject({
      kind: 'malformed',
      why: expect.stringContaining('FileDescriptorName=') as unknown,
    });
  });

  it.each(['127.0.0.1:3128', '[::1]:443', 'systemd:transparent'])('is spelled again as it was: %s', (text) => {
    const read = readListenerBind(text);
    expect(read.kind === 'ok' && bindText(read.value)).toBe(text);
  });
});

describe('a name that is not in ASCII', () => {
  it('is told how it is written', () => {
    expect(readTested('bücher.example:443')).toEqual({
      kind: 'malformed',
      why: 'expected host:port such as "example.com:443", with its name in ASCII: xn--bcher-kva.example, got "bücher.example:443"',
    });
    expect(readHostKey('MÜNCHEN.example')).toEqual({
      kind: 'malformed',
      why: 'expected a host name in A-label form, xn--mnchen-3ya.example, got "MÜNCHEN.example"',
    });
  });

  it.each([
    { what: 'is too long', text: `${'ü'.repeat(2000)}:443` },
    { what: 'has an empty label', text: 'ü..example:443' },
    { what: 'has a space', text: 'exa mple.ü:443' },
  ])('is none at all where it $what', ({ text }) => {
    expect(readTested(text)).toMatchObject({ kind: 'malformed', why: expect.not.stringContaining('ASCII') as unknown });
  });
});

describe('readServer', () => {
  it.each([
    ['10.0.0.2', '10.0.0.2', 53],
    ['10.0.0.3:5353', '10.0.0.3', 5353],
    ['2001:db8::2', '2001:db8::2', 53],
    ['[2001:db8::2]', '2001:db8::2', 53],
    ['[2001:db8::2]:5353', '2001:db8::2', 5353],
  ])('reads %s', (text, host, port) => {
    expect(readServer(text)).toEqual({ kind: 'ok', value: { host, port } });
  });

  it.each([...shorthands, '', 'dns.example', '10.0.0.2:0', '10.0.0.2:', '[10.0.0.2]', 'udp://10.0.0.2'])(
    'refuses %j',
    (text) => {
      expect(readServer(text).kind).toBe('malformed');
    },
  );
});

describe('readDestination', () => {
  it.each([
    ['Fallback.Example.:443', 'fallback.example', 443],
    ['under_score.example:1', 'under_score.example', 1],
    ['-api-.example:443', '-api-.example', 443],
    ['192.0.2.1:8443', '192.0.2.1', 8443],
    ['[2001:db8::1]:443', '2001:db8::1', 443],
  ])('reads %s', (text, host, port) => {
    expect(readDestination(text)).toEqual({ kind: 'ok', value: { host, port } });
  });

  it.each([
    ...shorthands.map((host) => `${host}:443`),
    '',
    'original',
    'example.com',
    ':443',
    'example.com:0',
    'a..b:443',
    'a b:443',
    'bücher.example:443',
    'https://example.com:443',
  ])('refuses %j', (text) => {
    expect(readDestination(text).kind).toBe('malformed');
  });
});

describe('readHostName', () => {
  it('holds names to 253 characters and labels to 63', () => {
    const label = 'a'.repeat(63);
    expect(readHostName(`${label}.${label}.${label}.${'a'.repeat(61)}`)).toBeDefined();
    expect(readHostName(`${label}.${label}.${label}.${'a'.repeat(62)}`)).toBeUndefined();
    expect(readHostName(`${label}a.example`)).toBeUndefined();
  });
});

describe('readNetwork', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:10.0.0.1', '10.0.0.1/32'],
    ['::ffff:0:0/90', '::ffc0:0:0/90'],
    ['private', 'private'],
    ['special', 'special'],
  ])('reads %s as %s', (text, value) => {
    expect(readNetwork(text, DESTINATION_SETS)).toEqual({ kind: 'ok', value });
  });

  it.each([
    ...shorthands,
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10/8',
    'example.com',
    '*',
    '10.0.0.0/255.0.0.0',
    'fe80::1%lo/64',
  ])('refuses %j', (text) => {
    expect(readNetwork(text, DESTINATION_SETS).kind).toBe('malformed');
  });

  it('keeps the set "special" to destinations', () => {
    const why = 'the set "special" is for destinations; for clients write CIDRs';
    expect(readNetwork('special', CLIENT_SETS)).toEqual({ kind: 'malformed', why });
  });

  it('suggests the set that was meant', () => {
    expect(readNetwork('prvate', CLIENT_SETS)).toMatchObject({
      why: expect.stringMatching(/did you mean "private"\?$/) as unknown,
    });
  });
});

describe('networkCutFrom', () => {
  it.each([
    ['10.0.0.1/8', '10.0.0.0/8'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['::ffff:10.0.0.1/104', '10.0.0.0/8'],
  ])('says what is left of %s', (cidr, network) => {
    expect(networkCutFrom(cidr)).toBe(network);
  });

  it.each(['10.0.0.0/8', '2001:DB8:0::/32', '10.0.0.1', '10.0.0.1/32', 'private', 'nonsense/8'])(
    'has nothing to say of %s',
    (cidr) => {
      expect(networkCutFrom(cidr)).toBeUndefined();
    },
  );
});
