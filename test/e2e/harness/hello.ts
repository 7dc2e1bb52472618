/** A minimal TLS 1.3 ClientHello for what the wire tests need to say; the parser's own tests have the full set. */

/** Extensions by type number; `server_name` is 0 and `encrypted_client_hello` 0xfe0d. */
export type Extensions = ReadonlyMap<number, Buffer>;

export function serverName(name: string): Buffer {
  const host = Buffer.from(name);
  return Buffer.concat([u16(host.length + 3), Buffer.of(0), u16(host.length), host]);
}

/** One record with one ClientHello in it. */
export function clientHello(extensions: Extensions): Buffer {
  const list = Buffer.concat([...extensions].map(([type, body]) => Buffer.concat([u16(type), u16(body.length), body])));
  const body = Buffer.concat([
    u16(0x0303), // legacy_version
    Buffer.alloc(32, 7), // random
    Buffer.of(0), // legacy_session_id
    u16(2),
    u16(0x1301), // cipher_suites: TLS_AES_128_GCM_SHA256
    Buffer.of(1, 0), // legacy_compression_methods: null
    u16(list.length),
    list,
  ]);
  const handshake = Buffer.concat([Buffer.of(1, 0), u16(body.length), body]);
  return Buffer.concat([Buffer.of(22, 3, 1), u16(handshake.length), handshake]);
}

export function helloFor(name: string): Buffer {
  return clientHello(new Map([[0, serverName(name)]]));
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
