import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpaceSaving } from '../../src/account/space-saving.ts';

function countAll(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

describe('the most frequent keys', () => {
  it('are counted exactly while there are places enough', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e')), (keys) => {
        const frequent = new SpaceSaving<number>(5);
        keys.forEach((key, at) => frequent.add(key, at));
        const counts = countAll(keys);
        const top = frequent.top(5);
        expect(new Map(top.map(({ key, count }) => [key, count]))).toEqual(counts);
        for (const { key, latest } of top) expect(latest).toBe(keys.lastIndexOf(key));
        expect(top.map(({ count }) => count)).toEqual([...counts.values()].sort((a, b) => b - a));
      }),
    );
  });

  it('are never told as more frequent than they are, and keep their places, however many others come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30 }), { maxLength: 300 }), (numbers) => {
        const places = 8;
        const frequent = new SpaceSaving<null>(places);
        const keys = numbers.map(String);
        for (const key of keys) frequent.add(key, null);
        const counts = countAll(keys);
        const kept = new Set(frequent.top(places).map(({ key }) => key));
        expect(kept.size).toBe(Math.min(places, counts.size));
        for (const { key, count } of frequent.top(places)) expect(count).toBeLessThanOrEqual(counts.get(key) ?? 0);
        for (const [key, count] of counts) if (count > keys.length / places) expect(kept).toContain(key);
      }),
    );
  });
});
