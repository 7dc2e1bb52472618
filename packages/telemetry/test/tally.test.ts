import { describe, expect, it } from 'vitest';
import { Tally } from '../src/tally.ts';

function taken<Labels>(tally: Tally<Labels, string, string>): [Labels, number][] {
  const told: [Labels, number][] = [];
  tally.take((labels: Labels, count: number) => told.push([labels, count]));
  return told;
}

describe('a tally', () => {
  it('tells each count once, under its own two label values', () => {
    const tally = new Tally((outcome: string, reason: string) => ({ outcome, reason }));
    for (const reason of ['idle', 'policy', 'idle']) tally.add('ok', reason);
    tally.add('refused', 'policy');
    expect(taken(tally)).toEqual([
      [{ outcome: 'ok', reason: 'idle' }, 2],
      [{ outcome: 'ok', reason: 'policy' }, 1],
      [{ outcome: 'refused', reason: 'policy' }, 1],
    ]);
    expect(taken(tally)).toEqual([]);
  });

  it('makes the labels of a count only once', () => {
    let made = 0;
    const tally = new Tally(() => (made += 1));
    for (let count = 0; count < 5; count += 1) tally.add('key', '');
    expect(taken(tally)).toEqual([[1, 5]]);
    tally.add('key', '');
    expect(taken(tally)).toEqual([[1, 1]]);
  });
});
