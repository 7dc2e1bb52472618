import { describe, expect, it } from 'vitest';
import { readMediaRanges, weightOf } from '../src/media-ranges.ts';

describe('readMediaRanges', () => {
  it('reads types, parameters and weights, in lower case', () => {
    const [first, second] = readMediaRanges('Text/Plain; Version=0.0.4; q=0.5, */*');
    expect(first).toEqual({ type: 'text/plain', parameters: new Map([['version', '0.0.4']]), weight: 0.5 });
    expect(second).toEqual({ type: '*/*', parameters: new Map(), weight: 1 });
  });

  it.each(['2', '', '-1', '0.1234', 'x', '1.1'])('gives no weight to q=%s', (q) => {
    expect(readMediaRanges(`a/b;q=${q}`)[0]?.weight).toBe(0);
  });

  it('reads no more than 64', () => {
    expect(readMediaRanges('a/b,'.repeat(10_000))).toHaveLength(64);
  });
});

describe('weightOf', () => {
  const ranges = readMediaRanges('a/b;q=0.1, a/*;q=0.7, */*;q=0.9, a/*;q=0.8');

  it.each([
    [['a/b', 'a/*', '*/*'], 0.1],
    [['a/c', 'a/*', '*/*'], 0.8],
    [['c/d', 'c/*', '*/*'], 0.9],
    [['c/d'], 0],
  ])('%j: %d', (types, weight) => {
    expect(weightOf(ranges, types)).toBe(weight);
  });
});
