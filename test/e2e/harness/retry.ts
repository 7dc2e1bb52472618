/** Both sides of a HelloRetryRequest (RFC 8446 §4.1.4), as far as a proxy can see them. */
import { clientHello, serverName } from './hello.ts';

/** A ServerHello whose random says that it is none, in one record. */
export const helloRetryRequest: Buffer = record(
  Buffer.concat([
    Buffer.from('02000036' + '0303', 'hex'),
    Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
    Buffer.from('00' + '1301' + '00' + '000e' + '002b00020304' + '003300020018' + '0000', 'hex'),
  ]),
);

/** A hello that offers TLS 1.3, for these names. */
export function modernHello(...names: readonly string[]): Buffer {
  const entries = names.map((name) => serverName(name).subarray(2));
  const list = Buffer.concat(entries);
  const extension = Buffer.concat([Buffer.of(list.length >> 8, list.length & 0xff), list]);
  return clientHello(new Map([...(names.length > 0 ? [[0, extension] as const] : []), [43, Buffer.of(2, 3, 4)]]));
}

const RECORD_LENGTH_AT = 3;
const MESSAGE_LENGTH_AT = 7;
/** Of the extensions, in a hello without a session id and with one cipher suite. */
const LIST_LENGTH_AT = 50;

/** The same hello with one more extension at its end, which it may have already. */
export function withExtension(hello: Buffer, extension: Buffer): Buffer {
  const longer = Buffer.concat([hello, extension]);
  for (const at of [RECORD_LENGTH_AT, MESSAGE_LENGTH_AT, LIST_LENGTH_AT]) {
    longer.writeUInt16BE(longer.readUInt16BE(at) + extension.length, at);
  }
  return longer;
}

/** The same message in records of `size` bytes. */
export function inRecordsOf(size: number, hello: Buffer): Buffer {
  const message = hello.subarray(5);
  const count = Math.ceil(message.length / size);
  return Buffer.concat(Array.from({ length: count }, (_, at) => record(message.subarray(at * size, (at + 1) * size))));
}

export const changeCipherSpec: Buffer = Buffer.of(20, 3, 3, 0, 1, 1);

/** A record of encrypted bytes. */
export function applicationData(length: number): Buffer {
  return record(Buffer.alloc(length, 0xda), 23);
}

function record(fragment: Buffer, type = 22): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 3, fragment.length >> 8, fragment.length & 0xff), fragment]);
}
