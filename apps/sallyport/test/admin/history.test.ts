import { describe, expect, it } from 'vitest';
import { quantile } from '../../src/admin/history.ts';

describe('quantile', () => {
  const bounds = [1, 2, 4];

  it.each([
    { share: 0.5, cumulative: [10, 10, 10, 10], is: 0.5, why: 'half-way through the first bucket' },
    { share: 0.5, cumulative: [0, 10, 10, 10], is: 1.5, why: 'half-way through the second' },
    { share: 0.99, cumulative: [50, 99, 100, 100], is: 2, why: 'at a bound' },
    { share: 0.99, cumulative: [0, 0, 0, 5], is: 4, why: 'the last bound, where all are beyond it' },
  ])('is $is: $why', ({ share, cumulative, is }) => {
    expect(quantile(share, bounds, cumulative)).toBeCloseTo(is);
  });
});
