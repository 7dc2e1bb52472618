import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedReader } from '../../src/http/chunked-reader.ts';
import type { Dialect } from '../../src/http/head-lines.ts';
import { growthOfTime, LINEAR } from '../../../../test/growth-of-time.ts';

interface Reading {
  readonly content: string;
  readonly usedBytes: number;
  readonly isWhole: boolean;
  readonly why?: string;
  readonly trailers: readonly string[];
}

/** Reads `pieces` one after the other, until it is whole or malformed. */
function read(pieces: readonly Uint8Array[], dialect: Dialect = 'strict'): Reading {
  const reader = new ChunkedReader(dialect);
  let content = '';
  let usedBytes = 0;
  for (const bytes of pieces) {
    const piece = reader.read(bytes);
    if (piece.kind === 'malformed') return { content, usedBytes, isWhole: false, why: piece.why, trailers: [] };
    content += Buffer.from(piece.content).toString('latin1');
    usedBytes += piece.usedBytes;
    const trailers = reader.trailers.map(({ spelling, value }) => `${spelling}: ${value}`);
    if (piece.isWhole) return { content, usedBytes, isWhole: true, trailers };
  }
  return { content, usedBytes, isWhole: false, trailers: [] };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Cut at these places, modulo what is left. */
function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...pieces, bytes.subarray(at)].filter(({ length }) => length > 0);
}

describe('chunks', () => {
  it.each([
    { what: 'one', text: '3\r\nabc\r\n0\r\n\r\n', content: 'abc' },
    { what: 'several', text: '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', content: 'abc' },
    { what: 'none', text: '0\r\n\r\n', content: '' },
    {
      what: 'a size in hexadecimal of either case',
      text: `0aB\r\n${'x'.repeat(0xab)}\r\n000\r\n\r\n`,
      content: 'x'.repeat(0xab),
    },
    { what: 'extensions', text: '1;a=b;c="d"\r\nx\r\n0;e\r\n\r\n', content: 'x' },
  ])('are read, $what of them', ({ text, content }) => {
    expect(read([bytesOf(`${text}behind`)])).toEqual({ content, usedBytes: text.length, isWhole: true, trailers: [] });
  });

  it('have trailers behind them', () => {
    const text = '1\r\nx\r\n0\r\nX-Sum: 1\r\nx-more: \xe4\r\n\r\n';
    expect(read([bytesOf(`${text}behind`)])).toMatchObject({
      usedBytes: text.length,
      trailers: ['X-Sum: 1', 'x-more: \xe4'],
    });
  });

  it.each([
    { what: 'a size with a sign', text: '+1\r\na\r\n' },
    { what: 'a size with 0x', text: '0x1\r\na\r\n' },
    { what: 'a size with a space', text: '1 \r\na\r\n' },
    { what: 'no size', text: '\r\na\r\n' },
    { what: 'a size that is too large', text: '10000000000000001\r\na\r\n' },
    { what: 'zeros without end', text: '0'.repeat(2000) },
    { what: 'an extension without end', text: `1;${'a'.repeat(2000)}` },
    { what: 'a bare LF behind a size', text: '1\na\r\n' },
    { what: 'a bare LF in an extension', text: '1;a\nx\r\n' },
    { what: 'a bare CR behind a size', text: '1\ra' },
    { what: 'a NUL in an extension', text: '1;\0\r\na' },
    { what: 'a DEL in an extension', text: '1;\x7f\r\na' },
    { what: 'a chunk longer than its size', text: '1\r\nabc\r\n' },
    { what: 'a bare LF behind a chunk', text: '1\r\na\n0\r\n\r\n' },
    { what: 'a trailer without a colon', text: '0\r\nX\r\n\r\n' },
    { what: 'a folded trailer', text: '0\r\nX: a\r\n b\r\n\r\n' },
    { what: 'a bare LF in the trailers', text: '0\r\nX: a\nY: b\r\n\r\n' },
    { what: 'trailers without end', text: `0\r\n${'X: a\r\n'.repeat(4000)}` },
  ])('are malformed for $what', ({ text }) => {
    expect(read([bytesOf(text)])).toHaveProperty('why');
    expect(read(cut(bytesOf(text), Array<number>(text.length).fill(1)))).toHaveProperty('why');
  });

  it('may have blanks behind a size where a destination sends them', () => {
    expect(read([bytesOf('1  \r\nx\r\n0\r\n\r\n')], 'lenient')).toMatchObject({ content: 'x', isWhole: true });
  });

  it.each([
    { bytes: 16 * 1024, isWhole: true },
    { bytes: 16 * 1024 + 1, isWhole: false },
    { bytes: 24 * 1024, isWhole: false },
  ])('have trailers of 16 KiB at most, in whatever pieces they come: $bytes bytes', ({ bytes, isWhole }) => {
    const trailers = `X: ${'a'.repeat(bytes - 'X: \r\n\r\n'.length)}\r\n\r\n`;
    const all = bytesOf(`0\r\n${trailers}`);
    for (const pieces of [[], [3], [100], [10_000, 10_000], Array<number>(all.length).fill(1)])
      expect(read(cut(all, pieces)).isWhole).toBe(isWhole);
  });

  it('are the same in any pieces', () => {
    const chunk = fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.constantFrom('', ';a=b'));
    fc.assert(
      fc.property(
        fc.array(chunk),
        fc.constantFrom('', 'X: y\r\n'),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (chunks, trailer, lengths) => {
          const ascii = chunks.map(([data, extension]) => [bytesOf(data).toString('latin1'), extension] as const);
          const text = ascii
            .map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`)
            .join('');
          const bytes = bytesOf(`${text}0\r\n${trailer}\r\n`);
          const whole = read([bytes]);
          expect(whole).toMatchObject({
            content: ascii.map(([data]) => data).join(''),
            isWhole: true,
            usedBytes: bytes.length,
          });
          expect(read(cut(bytes, lengths))).toEqual(whole);
        },
      ),
    );
  });

  it('of one byte cost little: a hundred thousand of them are one buffer, in linear time', () => {
    const readChunks = (count: number) => {
      expect(read([bytesOf('1\r\nx\r\n'.repeat(count))]).content).toHaveLength(count);
    };
    expect(growthOfTime(readChunks, 100_000)).toBeLessThan(LINEAR);
  });
});
