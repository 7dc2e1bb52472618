import { describe, expect, it } from 'vitest';
import { judgeReply, MAX_RECORD_BYTES, takeRecordsBefore } from '../src/second-hello-records.ts';

const random = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const retry = Buffer.concat([Buffer.from('16030300580200005403 03'.replace(' ', ''), 'hex'), random, Buffer.alloc(52)]);

describe("a server's first words", () => {
  it('are a HelloRetryRequest once its random is whole, and may become one until then', () => {
    for (let length = 0; length <= retry.length; length += 1) {
      expect(judgeReply(retry.subarray(0, length)), `${length} bytes`).toBe(length < 43 ? 'undecided' : 'retry');
    }
  });

  it('are another one as soon as a byte says so', () => {
    for (const at of [0, 5, ...Array.from(random, (_, index) => 11 + index)]) {
      const other = Buffer.from(retry);
      other.writeUInt8(other.readUInt8(at) ^ 1, at);
      expect(judgeReply(other.subarray(0, at + 1)), `byte ${at}`).toBe('other');
      expect(judgeReply(other), `byte ${at}`).toBe('other');
    }
  });

  it.each([[''], ['160304'], ['1603030058020000ffff03']])('may have any version and lengths: %s', (start) => {
    expect(judgeReply(Buffer.from(start, 'hex'))).toBe('undecided');
  });

  it.each([['15030300020232'], ['HTTP/1.1 400'], ['160303003d0100']])('are no HelloRetryRequest: %s', (start) => {
    expect(judgeReply(/^[0-9a-f]+$/.test(start) ? Buffer.from(start, 'hex') : Buffer.from(start))).toBe('other');
  });
});

describe('what a client says behind its hello', () => {
  const data = Buffer.from('1703030003aabbcc', 'hex');
  const change = Buffer.from('140303000101', 'hex');
  const hello = Buffer.from('1603010004', 'hex');
  const heartbeat = Buffer.from('18030300020100', 'hex');
  const tooLong = Buffer.concat([Buffer.from('180303ffff', 'hex'), Buffer.alloc(0xffff)]);

  it.each([
    { what: 'nothing', bytes: [], records: 0, next: 'need-more' },
    { what: 'a hello', bytes: [hello], records: 0, next: 'hello' },
    { what: 'early data', bytes: [data], records: 8, next: 'need-more' },
    { what: 'early data and half of more', bytes: [data, data.subarray(0, 6)], records: 8, next: 'need-more' },
    { what: 'half a header', bytes: [data.subarray(0, 2)], records: 0, next: 'need-more' },
    { what: 'a hello behind others', bytes: [change, data, hello], records: 14, next: 'hello' },
    { what: 'an alert, and a hello', bytes: [Buffer.from('15030300020100', 'hex'), hello], records: 7, next: 'hello' },
    { what: 'no TLS', bytes: [Buffer.from('GET /')], records: 0, next: 'other' },
    { what: 'no TLS behind a record', bytes: [data, Buffer.from('xy')], records: 8, next: 'other' },
    { what: 'a type that no TLS has', bytes: [heartbeat, data, hello], records: 15, next: 'hello' },
    { what: 'the first byte of such a type', bytes: [heartbeat.subarray(0, 1)], records: 0, next: 'need-more' },
    { what: 'a record too long', bytes: [tooLong.subarray(0, -1)], records: 0, next: 'need-more' },
    { what: 'a hello behind one too long', bytes: [tooLong, hello], records: tooLong.length, next: 'hello' },
  ])('is told apart: $what', ({ bytes, records, next }) => {
    const all = Buffer.concat(bytes);
    const taken = takeRecordsBefore(all);
    expect({ records: taken.records.length, next: taken.next }).toEqual({ records, next });
    expect(Buffer.concat([taken.records, taken.rest])).toEqual(all);
  });

  it('is held until its record is whole, and no longer', () => {
    const longest = Buffer.alloc(MAX_RECORD_BYTES);
    longest.set([23, 3, 3, (MAX_RECORD_BYTES - 5) >> 8, (MAX_RECORD_BYTES - 5) & 0xff]);
    expect(takeRecordsBefore(longest.subarray(0, -1))).toMatchObject({ next: 'need-more' });
    expect(takeRecordsBefore(longest).records).toHaveLength(MAX_RECORD_BYTES);
  });
});
