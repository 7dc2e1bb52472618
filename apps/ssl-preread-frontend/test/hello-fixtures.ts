/** ClientHellos built field by field, so that a test can say which single byte of one is wrong. */

/** Bytes out of numbers, text (one byte a character) and other bytes, in this order. */
export function join(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Uint8Array.of(part);
      return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
    }),
  );
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

export function uint24(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, value >> 8, value);
}

/** A vector behind one byte of length; `length` is a lie where it is given. */
export function vector8(content: Uint8Array, length = content.length): Uint8Array {
  return join(length, content);
}

/** A vector behind two bytes of length; `length` is a lie where it is given. */
export function vector16(content: Uint8Array, length = content.length): Uint8Array {
  return join(uint16(length), content);
}

export interface HelloFields {
  readonly messageType: number;
  /** What the message header claims, where that is a lie. */
  readonly messageLength?: number;
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  /** These four with the length in front of them. */
  readonly sessionId: Uint8Array;
  readonly cipherSuites: Uint8Array;
  readonly compressionMethods: Uint8Array;
  /** Empty: none at all, not even a length. */
  readonly extensionBlock: Uint8Array;
}

/** A handshake message: a good ClientHello of TLS 1.2 without extensions, but for the fields given. */
export function helloWith(fields: Partial<HelloFields>): Uint8Array {
  const hello: HelloFields = {
    messageType: 1, // client_hello
    legacyVersion: 0x0303,
    random: Buffer.alloc(32, 0xaa),
    sessionId: vector8(Buffer.alloc(32, 0xbb)),
    cipherSuites: vector16(join(uint16(0x1301), uint16(0xc02f))),
    compressionMethods: vector8(Uint8Array.of(0)), // null
    extensionBlock: new Uint8Array(),
    ...fields,
  };
  const body = join(
    uint16(hello.legacyVersion),
    hello.random,
    hello.sessionId,
    hello.cipherSuites,
    hello.compressionMethods,
    hello.extensionBlock,
  );
  return join(hello.messageType, uint24(hello.messageLength ?? body.length), body);
}

/** A handshake message: a good ClientHello with these extensions. */
export function hello(...extensions: readonly Uint8Array[]): Uint8Array {
  return helloWith({ extensionBlock: vector16(join(...extensions)) });
}

export function extension(type: number, data: Uint8Array): Uint8Array {
  return join(uint16(type), vector16(data));
}

/** An entry of a server_name list; type 0 is host_name. */
export function serverNameEntry(name: string, nameType = 0): Uint8Array {
  return join(nameType, vector16(join(name)));
}

/** server_name with these entries, one as a rule (RFC 6066 §3). */
function serverNameList(...entries: readonly Uint8Array[]): Uint8Array {
  return extension(0, vector16(join(...entries)));
}

export function serverName(name: string): Uint8Array {
  return serverNameList(serverNameEntry(name));
}

export function alpn(...protocols: readonly string[]): Uint8Array {
  return extension(16, vector16(join(...protocols.map((protocol) => vector8(join(protocol))))));
}

export function supportedVersions(...versions: readonly number[]): Uint8Array {
  return extension(43, vector8(join(...versions.map(uint16))));
}

/** encrypted_client_hello, real or GREASE: there is no telling (RFC 9849 §6.2). */
export function encryptedClientHello(): Uint8Array {
  const outer = 0;
  const hkdfSha256 = uint16(1);
  const aes128Gcm = uint16(1);
  const configId = 0x2a;
  const enc = vector16(Buffer.alloc(32, 0xee));
  const payload = vector16(Buffer.alloc(144, 0xdd));
  return extension(0xfe0d, join(outer, hkdfSha256, aes128Gcm, configId, enc, payload));
}

/** A GREASE extension (RFC 8701): `index` 0 to 15 makes 0x0a0a to 0xfafa. */
export function grease(index: number): Uint8Array {
  return extension(greaseValue(index), new Uint8Array());
}

export function greaseValue(index: number): number {
  return 0x0a0a + index * 0x1010;
}

/** key_share with X25519MLKEM768: 1,216 bytes of it, over any one segment together with the rest. */
function postQuantumKeyShare(): Uint8Array {
  const x25519MlKem768 = join(uint16(0x11ec), vector16(Buffer.alloc(1216, 0xcc)));
  const x25519 = join(uint16(0x001d), vector16(Buffer.alloc(32, 0xcd)));
  return extension(51, vector16(join(x25519MlKem768, x25519)));
}

export function padding(bytes: number): Uint8Array {
  return extension(21, Buffer.alloc(bytes));
}

/** As a browser of today sends it: GREASE, ECH, post-quantum key share, about 1.8 KB, with the name in the middle. */
export function browserHello(name: string): Uint8Array {
  return hello(
    grease(1),
    postQuantumKeyShare(),
    alpn('h2', 'http/1.1'),
    serverName(name),
    supportedVersions(greaseValue(3), 0x0304, 0x0303),
    encryptedClientHello(),
    grease(9),
    padding(200),
  );
}

export interface RecordFields {
  readonly type?: number;
  readonly version?: number;
  /** A lie about the fragment's length. */
  readonly length?: number;
}

export function record(fragment: Uint8Array, { type = 22, version = 0x0301, length }: RecordFields = {}): Uint8Array {
  return join(type, uint16(version), vector16(fragment, length));
}

/** A message in as many records as there are pieces between the cuts. */
export function recordsCutAt(message: Uint8Array, cuts: readonly number[]): Uint8Array {
  const edges = [0, ...[...new Set(cuts)].filter((at) => at > 0 && at < message.length).sort((a, b) => a - b)];
  return join(...edges.map((edge, index) => record(message.subarray(edge, edges[index + 1]))));
}

export interface Sslv2Fields {
  readonly messageLength?: number;
  readonly messageType: number;
  readonly version: number;
  readonly cipherSpecs: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly challenge: Uint8Array;
}

/** A whole SSL 2.0 record with a hello in it (RFC 5246 §E.2). */
export function sslv2Hello(fields: Partial<Sslv2Fields> = {}): Uint8Array {
  const hello: Sslv2Fields = {
    messageType: 1, // client-hello
    version: 0x0002,
    cipherSpecs: join(Uint8Array.of(0x07, 0x00, 0xc0), Uint8Array.of(0x00, 0x00, 0x2f)),
    sessionId: new Uint8Array(),
    challenge: Buffer.alloc(16, 0xaa),
    ...fields,
  };
  const message = join(
    hello.messageType,
    uint16(hello.version),
    uint16(hello.cipherSpecs.length),
    uint16(hello.sessionId.length),
    uint16(hello.challenge.length),
    hello.cipherSpecs,
    hello.sessionId,
    hello.challenge,
  );
  return join(uint16(0x8000 | (hello.messageLength ?? message.length)), message);
}
