import { describe, expect, it } from 'vitest';
import { finish, type Steps, stepsOf } from '../src/steps.ts';

function* count(rounds: number, isStep: () => boolean): Steps<number> {
  for (let round = 0; round < rounds; round += 1) if (isStep()) yield;
  return rounds;
}

describe('work in steps', () => {
  it('comes to its result in one go', () => {
    expect(finish(count(100, stepsOf(1)))).toBe(100);
  });

  it.each([
    [1, 10],
    [3, 3],
    [10, 1],
    [11, 0],
  ])('pauses after every %i rounds', (rounds, pauses) => {
    expect([...count(10, stepsOf(rounds))]).toHaveLength(pauses);
  });
});
