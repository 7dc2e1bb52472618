import { describe, expect, it } from 'vitest';
import { readHandshake, START_OF_RECORDS } from '../src/tls-record.ts';
import { helloWith, join, record, recordsCutAt, vector16, hello, padding, uint24 } from './hello-fixtures.ts';

const read = (bytes: Uint8Array) => readHandshake(bytes, START_OF_RECORDS);
const messageOf = (bytes: Uint8Array) => {
  const handshake = read(bytes);
  return handshake.kind === 'message' ? [...handshake.message.subarray(handshake.start, handshake.end)] : handshake;
};

const message = helloWith({});

describe('a whole message', () => {
  it('comes out of one record', () => {
    expect(messageOf(record(message))).toEqual([...message]);
  });

  it.each([0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0305, 0x032a, 0x03fe, 0x03ff])(
    'comes out of a record of version %d',
    (version) => {
      expect(messageOf(record(message, { version }))).toEqual([...message]);
    },
  );

  it('comes out of records of one byte each', () => {
    const cuts = [...message.keys()];
    expect(messageOf(recordsCutAt(message, cuts))).toEqual([...message]);
  });

  it('comes out of two records, wherever the cut is', () => {
    for (let cut = 1; cut < message.length; cut += 1) {
      expect(messageOf(recordsCutAt(message, [cut])), `cut at ${cut}`).toEqual([...message]);
    }
  });

  it('comes out of a record of the full 2^14 bytes', () => {
    const full = hello(padding(2 ** 14 - hello(padding(0)).length));
    expect(full.length).toBe(2 ** 14);
    expect(messageOf(record(full))).toEqual([...full]);
  });

  it.each([
    ['in a record of another type', join(record(message), record(join('early data'), { type: 23 }))],
    ['and is no record at all', join(record(message), 'junk')],
  ])('is not disturbed by what follows %s', (_where, bytes) => {
    expect(messageOf(bytes)).toEqual([...message]);
  });
});

describe('a message that is not whole', () => {
  it.each([
    [0, 5 + 4],
    [1, 5 + 4],
    [4, 5 + 4],
    [5, 5 + 4],
    [8, 5 + 4],
    [9, 5 + message.length],
    [20, 5 + message.length],
  ])('needs, when %d bytes are there, at the least %d', (arrived, atLeastBytes) => {
    expect(read(record(message).subarray(0, arrived))).toMatchObject({ kind: 'need-more', atLeastBytes });
  });

  it('needs a record header more, once a record has ended without it', () => {
    const bytes = record(message.subarray(0, 10));
    expect(read(bytes)).toMatchObject({ kind: 'need-more', atLeastBytes: 5 + 5 + message.length });
  });

  it('says from its first nine bytes that it is far too long', () => {
    const sixteenMiB = record(join(1, uint24(0xffffff)), { length: 16_384 });
    expect(read(sixteenMiB)).toMatchObject({ kind: 'need-more', atLeastBytes: 5 + 4 + 0xffffff });
  });

  it('is looked at from the record where the last look stopped', () => {
    const bytes = recordsCutAt(message, [10, 20]);
    const first = read(bytes.subarray(0, 17));
    expect(first).toMatchObject({ kind: 'need-more', cursor: { recordAt: 15, gathered: 10 } });
  });
});

describe('malformed', () => {
  it.each([
    ['an empty record', record(new Uint8Array())],
    ['an empty record in the middle', join(record(message.subarray(0, 9)), record(new Uint8Array()))],
    ['a record of 2^14 + 1 bytes', record(message, { length: 2 ** 14 + 1 })],
    ['major version 2', record(message, { version: 0x0203 })],
    ['major version 4, as soon as it is there', Uint8Array.of(0x16, 0x04)],
    ['major version 4 and no length', Uint8Array.of(0x16, 0x04, 0x10, 0x00, 0x00)],
    ['an alert in the middle', join(record(message.subarray(0, 9)), record(join(2, 0), { type: 21 }))],
    ['application data in the middle', join(record(message.subarray(0, 2)), record(join('x'), { type: 23 }))],
    ['a change_cipher_spec in the middle', join(record(message.subarray(0, 9)), Uint8Array.of(20))],
    ['a message shorter than its record', record(join(message, 'more'))],
    ['a message shorter than its record, which is not whole', record(message, { length: 1000 })],
    ['two messages in one record', record(join(message, message))],
    ['a ServerHello', record(helloWith({ messageType: 2 }))],
    ['a message that is no ClientHello, as soon as its type is there', record(join(0), { length: 100 })],
    ['a 4-byte record header, which puts the message one byte early', join(0x16, 0x03, vector16(message))],
  ])('is %s', (_what, bytes) => {
    expect(read(bytes)).toMatchObject({ kind: 'malformed' });
  });
});
