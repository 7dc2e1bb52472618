import { describe, expect, it } from 'vitest';
import { type Asker, FairQueue } from '../../src/identity/fair-queue.ts';

const from = (client: string, neighbourhood = client, rank = 0): Asker<string> => ({ rank, neighbourhood, client });

/** Takes all that waits. */
function drain(queue: FairQueue<string, string>): readonly string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

describe('FairQueue', () => {
  it('gives each client its turn, and each client its own order', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(from(item.charAt(0)), item);
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('lets a newcomer wait for one item of a flood, not for all of it', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const item of ['a1', 'a2', 'a3']) queue.add(from('a'), item);
    expect(queue.take()).toBe('a1');
    queue.add(from('b'), 'b1');
    expect(drain(queue)).toEqual(['a2', 'b1', 'a3']);
  });

  it('refuses what is more than a client may have', () => {
    const queue = new FairQueue<string, string>({ perClient: 2, total: 9 });
    expect(['a1', 'a2', 'a3'].map((item) => queue.add(from('a'), item))).toEqual([undefined, undefined, 'a3']);
    expect(drain(queue)).toEqual(['a1', 'a2']);
  });

  it('when full, makes the client with most give its last place to one with less', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 4 });
    for (const item of ['a1', 'a2', 'a3', 'b1']) queue.add(from(item.charAt(0)), item);
    expect(queue.add(from('c'), 'c1')).toBe('a3');
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2']);
  });

  it('when full of equals, refuses the newcomer', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 2 });
    queue.add(from('a'), 'a1');
    queue.add(from('b'), 'b1');
    expect(queue.add(from('c'), 'c1')).toBe('c1');
    expect(drain(queue)).toEqual(['a1', 'b1']);
  });

  it('has room again for what was taken', () => {
    const queue = new FairQueue<string, string>({ perClient: 1, total: 1 });
    for (const item of ['a1', 'a2', 'a3']) {
      expect(queue.add(from('a'), item)).toBeUndefined();
      expect(queue.take()).toBe(item);
    }
    expect(queue.take()).toBeUndefined();
  });

  it('gives each neighbourhood its turn, however many clients it has', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const client of ['a', 'b', 'c']) queue.add(from(client, 'flood'), client);
    queue.add(from('d'), 'd');
    expect(drain(queue)).toEqual(['a', 'd', 'b', 'c']);
  });

  it('when full of one neighbourhood, makes it give a place to a newcomer from elsewhere, and to none of its own', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 3 });
    for (const client of ['a', 'b', 'c']) queue.add(from(client, 'flood'), client);
    expect(queue.add(from('e', 'flood'), 'e')).toBe('e');
    expect(queue.add(from('d'), 'd')).toBe('a');
    expect(drain(queue)).toEqual(['b', 'd', 'c']);
  });

  it('serves the better rank first', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 9 });
    for (const [item, rank] of Object.entries({ c: 2, a: 0, b: 1 })) queue.add(from(item, item, rank), item);
    expect(drain(queue)).toEqual(['a', 'b', 'c']);
  });

  it('when full of equals, makes the worst rank give a place to a better one', () => {
    const queue = new FairQueue<string, string>({ perClient: 9, total: 2 });
    for (const client of ['a', 'b']) queue.add(from(client, client, 2), client);
    expect(queue.add(from('c', 'c', 1), 'c')).toBe('a');
    expect(queue.add(from('d', 'd', 2), 'd')).toBe('d');
    expect(queue.add(from('e', 'e', 0), 'e')).toBe('b');
    expect(queue.add(from('f', 'f', 1), 'f')).toBe('f');
    expect(drain(queue)).toEqual(['e', 'c']);
  });
});
