import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largest } from '../../src/admin/list-tunnels.ts';

describe('the largest of a list', () => {
  it('are those that sorting all of it would put first, in the same order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ size: fc.nat({ max: 20 }), name: fc.string() })),
        fc.integer({ min: 1, max: 10 }),
        (items, limit) => {
          const sorted = [...items].sort((one, other) => other.size - one.size).slice(0, limit);
          expect(largest(items, limit, ({ size }) => size)).toEqual(sorted);
        },
      ),
    );
  });
});
