import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/admin/turns.ts';

/** Holds the thread, as work does. */
function work(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

describe('work in turn', () => {
  it('takes a small part of the thread, however many ask at once', async () => {
    const turns = new Turns();
    let worked = 0;
    const begunAt = performance.now();
    const piece = (): void => {
      const startedAt = performance.now();
      work(2);
      worked += performance.now() - startedAt;
    };
    await Promise.all(Array.from({ length: 8 }, () => turns.take(piece)));
    // The first piece waits for nothing. A twentieth, with room for clocks.
    expect(worked / (performance.now() - begunAt)).toBeLessThan(0.12);
  });

  it('is done in its order, one piece at a time, whatever becomes of a piece', async () => {
    const turns = new Turns();
    const done: number[] = [];
    const pieces = [1, 2, 3].map((number) =>
      turns.take(async () => {
        await Promise.resolve();
        done.push(number);
        if (number === 2) throw new Error('broken');
        return number;
      }),
    );
    expect((await Promise.allSettled(pieces)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(done).toEqual([1, 2, 3]);
  });
});
