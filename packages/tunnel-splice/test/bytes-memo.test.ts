import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BytesMemo } from '../src/index.ts';

const textOf = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString('hex');

it('gives for any bytes, at any place, what reading them gives', () => {
  const memo = new BytesMemo({ places: 8, longestBytes: 6, read: textOf });
  const run = fc.record({ before: fc.uint8Array({ maxLength: 3 }), bytes: fc.uint8Array({ max: 2, maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 50 }), (runs) => {
      for (const { before, bytes } of runs) {
        const memory = Uint8Array.from([...before, ...bytes, 0xff]);
        const end = before.length + bytes.length;
        expect(memo.meaningOf(memory, before.length, end)).toBe(textOf(memory, before.length, end));
      }
    }),
  );
});

it('reads short bytes once, and long ones or those that are not kept each time', () => {
  const read: string[] = [];
  const memo = new BytesMemo({
    places: 1024,
    longestBytes: 3,
    read: (bytes, start, end) => {
      read.push(textOf(bytes, start, end));
      return { length: end - start };
    },
    isKept: ({ length }, lengthBytes) => length === lengthBytes && length !== 2,
  });
  for (const bytes of [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]) {
    for (let times = 0; times < 2; times++) memo.meaningOf(Uint8Array.from(bytes), 0, bytes.length);
  }
  expect(read).toEqual(['01', '0102', '0102', '010203', '01020304', '01020304']);
});

it('finds a place of its own for nearly each of many names that differ in their digits', () => {
  let reads = 0;
  const memo = new BytesMemo({ places: 1024, longestBytes: 16, read: () => (reads += 1) });
  const hosts = Array.from({ length: 64 }, (_, host) => Buffer.from(`10.1.2.${host}`));
  for (let times = 0; times < 10; times++) for (const host of hosts) memo.meaningOf(host, 0, host.length);
  // Chance alone would have two pairs share their places.
  expect(reads).toBeLessThan(64 + 20 * 10);
});
