/** ClientHellos to start from, built field by field (RFC 8446 §4.1.2). */

const uint8 = (value: number): Buffer => Buffer.of(value);
const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);
const vector8 = (content: Uint8Array): Buffer => join(uint8(content.length), content);
const vector16 = (content: Uint8Array): Buffer => join(uint16(content.length), content);

const extension = (type: number, data: Uint8Array): Buffer => join(uint16(type), vector16(data));
const nameEntry = (name: string, type = 0): Buffer => join(uint8(type), vector16(Buffer.from(name, 'latin1')));
const serverName = (...entries: readonly Uint8Array[]): Buffer => extension(0, vector16(join(...entries)));
const alpn = (...names: readonly string[]): Buffer =>
  extension(16, vector16(join(...names.map((name) => vector8(Buffer.from(name))))));
const supportedVersions = (...versions: readonly number[]): Buffer =>
  extension(43, vector8(join(...versions.map(uint16))));
const encryptedClientHello = extension(0xfe0d, Buffer.alloc(186, 0xec));
/** With a share of X25519MLKEM768 (0x11ec), 1,216 bytes. */
const postQuantumKeyShare = extension(51, vector16(join(uint16(0x11ec), vector16(Buffer.alloc(1216, 0xcc)))));
/** RFC 8701. */
const grease = extension(0x3a3a, Buffer.alloc(0));

function hello(extensions: readonly Uint8Array[], legacyVersion = 0x0303): Buffer {
  const body = join(
    uint16(legacyVersion),
    Buffer.alloc(32, 0xaa), // random
    vector8(Buffer.alloc(32, 0xbb)), // legacy_session_id
    vector16(join(uint16(0x1301), uint16(0xc02f))), // cipher_suites
    vector8(uint8(0)), // legacy_compression_methods: null
    vector16(join(...extensions)),
  );
  return join(uint8(1), uint8(0), uint16(body.length), body);
}

/** A record for each so many bytes of the message. */
function records(message: Uint8Array, fragmentBytes = 2 ** 14): Buffer {
  const count = Math.ceil(message.length / fragmentBytes);
  const fragments = Array.from({ length: count }, (_, index) =>
    message.subarray(index * fragmentBytes, (index + 1) * fragmentBytes),
  );
  return join(...fragments.map((fragment) => join(uint8(22), uint16(0x0301), vector16(fragment))));
}

const name = serverName(nameEntry('www.example.com'));
const good = hello([grease, name, alpn('h2', 'http/1.1'), supportedVersions(0x0304, 0x0303)]);

/** SSL 2.0's hello, offering TLS 1.0 (RFC 5246 §E.2): length, type, version, three lengths, a cipher spec, a challenge. */
const sslv2 = join(
  uint16(0x8000 | 28),
  uint8(1),
  uint16(0x0301),
  uint16(3),
  uint16(0),
  uint16(16),
  Buffer.from('00002f', 'hex'),
  Buffer.alloc(16, 0xaa),
);

export const helloSeeds: readonly Uint8Array[] = [
  records(good),
  records(good, 1),
  records(good, 7),
  records(hello([name])),
  records(hello([])),
  records(hello([name], 0x0300)),
  records(hello([postQuantumKeyShare, name, encryptedClientHello])),
  records(hello([serverName(nameEntry('a.example'), nameEntry('b.example'))])),
  records(hello([name, serverName(nameEntry('other.example'))])),
  records(hello([serverName(nameEntry('a.example', 1))])),
  records(hello([serverName(nameEntry('127.0.0.1'))])),
  records(hello([serverName(nameEntry('EXAMPLE.com.'))])),
  join(records(hello([name])), Buffer.of(20, 3, 1, 0, 1, 1), Buffer.from('early data')),
  sslv2,
];

export const helloWords: readonly Uint8Array[] = [
  name,
  grease,
  alpn('h2'),
  supportedVersions(0x0304),
  encryptedClientHello,
  nameEntry('b.example'),
  Buffer.of(22, 3, 1, 0, 1),
  Buffer.of(22, 3, 1, 0, 0),
  uint16(0),
  uint16(0xffff),
];
