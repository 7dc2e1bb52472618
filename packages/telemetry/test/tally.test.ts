import { describe, expect, it } from 'vitest';
import { Tally } from '../src/tally.ts';

function taken<Labels>(tally: Tally<Labels>): [Labels, number][] {
  const told: [Labels, number][] = [];
  tally.take((labels, count) => told.push([labels, count]));
  return told;
}

describe('a tally', () => {
  it('tells each count once, under the labels it was first counted with', () => {
    const tally = new Tally<{ reason: string }>();
    for (const reason of ['idle', 'policy', 'idle']) tally.add(reason, () => ({ reason }));
    expect(taken(tally)).toEqual([
      [{ reason: 'idle' }, 2],
      [{ reason: 'policy' }, 1],
    ]);
    expect(taken(tally)).toEqual([]);
  });

  it('asks for the labels of a key only once', () => {
    const tally = new Tally<number>();
    let asked = 0;
    for (let count = 0; count < 5; count += 1) tally.add('key', () => (asked += 1));
    expect(taken(tally)).toEqual([[1, 5]]);
    expect(asked).toBe(1);
  });
});
