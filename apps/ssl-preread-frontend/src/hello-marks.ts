/** Which bytes of a ClientHello say what is read of it. Two hellos that agree in these are read alike, but for their random. */
import { RANDOM_START_BYTES } from './client-hello.ts';
import { isRead } from './hello-extensions.ts';
import { HANDSHAKE_RECORD, readHandshake, START_OF_RECORDS } from './tls-record.ts';
import { VectorReader } from './vector-reader.ts';

export interface HelloMarks {
  /** 0 for each byte that is not read; otherwise 0xff. */
  readonly mask: Uint8Array;
  /** Where the bytes stand that `HelloFacts.random` is made of. */
  readonly random: { readonly at: number; readonly length: number };
}

const MESSAGE_HEADER_BYTES = 4;
const RANDOM_BYTES = 32;

/** @param bytes a ClientHello that was found well-formed, and nothing else. Undefined where several records contain it. */
export function markHello(bytes: Uint8Array): HelloMarks | undefined {
  const handshake = bytes[0] === HANDSHAKE_RECORD ? readHandshake(bytes, START_OF_RECORDS) : undefined;
  if (handshake?.kind !== 'message' || handshake.message !== bytes || handshake.endsAt !== bytes.length)
    return undefined;
  const mask = new Uint8Array(bytes.length).fill(0xff);
  const reader = new VectorReader();
  const leaveOut = (start: number): void => void mask.fill(0, start, reader.at);
  reader.open(bytes, handshake.start + MESSAGE_HEADER_BYTES, handshake.end);
  reader.uint16();
  const random = reader.at;
  reader.skip(RANDOM_BYTES);
  leaveOut(random);
  leaveOut(reader.pass8()); // session id
  leaveOut(reader.pass16()); // cipher suites
  leaveOut(reader.pass8()); // compression methods
  if (reader.left > 0) reader.reopen(reader.pass16(), reader.at);
  while (reader.left > 0) {
    const type = reader.uint16();
    const start = reader.pass16();
    if (!isRead(type)) leaveOut(start);
  }
  const at = random + RANDOM_START_BYTES;
  return { mask, random: { at, length: RANDOM_BYTES - RANDOM_START_BYTES } };
}
