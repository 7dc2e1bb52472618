import { expect, it } from 'vitest';
import { VectorReader } from '../src/vector-reader.ts';

it('reads numbers of one to three bytes, the most significant byte first', () => {
  const reader = new VectorReader(Uint8Array.of(0x01, 0x02, 0x03, 0xff, 0xff, 0xff));

  expect([reader.uint8(), reader.uint16(), reader.uint24()]).toEqual([0x01, 0x0203, 0xffffff]);
  expect(reader.isExact).toBe(true);
});

it('passes vectors, whose bytes lie from where they begin to where it then stands', () => {
  const reader = new VectorReader(Uint8Array.of(2, 0x61, 0x62, 0, 1, 0x63));

  expect(reader.textFrom(reader.pass8())).toBe('ab');
  expect(reader.textFrom(reader.pass16())).toBe('c');
  expect([reader.left, reader.isExact]).toEqual([0, true]);
});

it('reads a part of the same bytes, as if nothing had been asked for before', () => {
  const reader = new VectorReader(Uint8Array.of(2, 0x61, 0x62));
  reader.skip(9);
  reader.reopen(1, 3);

  expect([reader.left, reader.uint16(), reader.isExact]).toEqual([2, 0x6162, true]);
});

it('is not exact while anything is left to read', () => {
  const reader = new VectorReader(Uint8Array.of(1, 2));
  reader.uint8();

  expect(reader.isExact).toBe(false);
});

it.each([
  ['a number', (reader: VectorReader) => reader.uint24()],
  ['a vector', (reader: VectorReader) => reader.pass8()],
  ['a skip', (reader: VectorReader) => reader.skip(3)],
])('is never exact again once %s went past its end, and stands at the end', (_what, overrun) => {
  const reader = new VectorReader(Uint8Array.of(9, 2));
  overrun(reader);

  expect(reader.left).toBe(0);
  expect(reader.isExact).toBe(false);
  expect(reader.uint16()).toBe(0);
});

it('reads nothing of what lies behind the end it was given', () => {
  const reader = new VectorReader();
  reader.open(Uint8Array.of(1, 2, 3, 4), 1, 3);

  expect(reader.uint16()).toBe(0x0203);
  expect([reader.uint8(), reader.uint16(), reader.uint24()]).toEqual([0, 0, 0]);
});
