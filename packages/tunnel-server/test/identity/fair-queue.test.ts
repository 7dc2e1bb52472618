import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../src/identity/fair-queue.ts';

/** Takes all that waits. */
function drain(queue: FairQueue<string, string>): readonly string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

describe('FairQueue', () => {
  it('gives each client its turn, and each client its own order', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(item.charAt(0), item);
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('lets a newcomer wait for one item of a flood, not for all of it', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const item of ['a1', 'a2', 'a3']) queue.add('a', item);
    expect(queue.take()).toBe('a1');
    queue.add('b', 'b1');
    expect(drain(queue)).toEqual(['a2', 'b1', 'a3']);
  });

  it('refuses what is more than a client may have', () => {
    const queue = new FairQueue<string, string>({ perClient: 2, total: 9 });
    expect(['a1', 'a2', 'a3'].map((item) => queue.add('a', item))).toEqual([undefined, undefined, 'a3']);
    expect(drain(queue)).toEqual(['a1', 'a2']);
  });

  it('when full, makes the client with most give its last place to one with less', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 4 });
    for (const item of ['a1', 'a2', 'a3', 'b1']) queue.add(item.charAt(0), item);
    expect(queue.add('c', 'c1')).toBe('a3');
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2']);
  });

  it('when full of equals, refuses the newcomer', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 2 });
    queue.add('a', 'a1');
    queue.add('b', 'b1');
    expect(queue.add('c', 'c1')).toBe('c1');
    expect(drain(queue)).toEqual(['a1', 'b1']);
  });

  it('has room again for what was taken', () => {
    const queue = new FairQueue<string, string>({ perClient: 1, total: 1 });
    for (const item of ['a1', 'a2', 'a3']) {
      expect(queue.add('a', item)).toBeUndefined();
      expect(queue.take()).toBe(item);
    }
    expect(queue.take()).toBeUndefined();
  });
});
