import { describe, expect, it } from 'vitest';
import { FramingTurns, TURN_BYTES } from '../../src/http/framing-turns.ts';

describe('FramingTurns', () => {
  it('lets a turn of the loop have its measure, and no more than one reader go beyond it', () => {
    const turns = new FramingTurns();
    expect(turns.take(TURN_BYTES / 2)).toBeUndefined();
    expect(turns.take(TURN_BYTES)).toBeUndefined();
    expect(turns.take(1)).toBeInstanceOf(Promise);
  });

  it('serves who else waits for the loop before content without end', async () => {
    const turns = new FramingTurns();
    let passed = 0;
    let isOver = false;
    const endless = async (): Promise<void> => {
      while (!isOver) {
        await turns.take(TURN_BYTES);
        passed += 1;
      }
    };
    const all = [endless(), endless(), endless()];
    for (let turn = 1; turn <= 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(passed).toBeLessThanOrEqual(turn + 1);
    }
    isOver = true;
    await Promise.all(all);
  });

  it('goes on in the order in which they came', async () => {
    const turns = new FramingTurns();
    const order: string[] = [];
    const take = async (name: string): Promise<void> => {
      for (let piece = 0; piece < 3; piece++) {
        await turns.take(TURN_BYTES);
        order.push(name);
      }
    };
    await Promise.all(['a', 'b', 'c'].map(take));
    expect(order.join('')).toBe('abcabcabc');
  });
});
