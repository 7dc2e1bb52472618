import type { Departure } from '@sallyport/tunnel-splice';
import { describe, expect, it, vi } from 'vitest';
import { unlessGone } from '../src/abandon.ts';

const WHILE = 'a test was under way';

describe('unlessGone', () => {
  it('settles as the work does, and forgets the client', async () => {
    const client = new Client();
    expect(await unlessGone(client, { done: Promise.resolve('up'), cancel: () => undefined }, WHILE)).toBe('up');
    await expect(
      unlessGone(client, { done: Promise.reject(new Error('down')), cancel: () => undefined }, WHILE),
    ).rejects.toThrow('down');
    expect(client.isWatched).toBe(false);
  });

  it.each(['end', 'reset'] as const)(
    'throws client_closed and cancels the work when the client leaves (%s)',
    async (how) => {
      const client = new Client();
      const cancel = vi.fn();
      const waiting = unlessGone(client, { done: new Promise(() => undefined), cancel }, WHILE);
      client.leave(how);
      await expect(waiting).rejects.toMatchObject({
        name: 'TunnelError',
        reason: 'client_closed',
        message: 'The client left while a test was under way.',
      });
      expect(cancel).toHaveBeenCalledOnce();
    },
  );

  it('does not wait for a client that has left already', async () => {
    const client = new Client();
    client.leave('end');
    const cancel = vi.fn();
    await expect(unlessGone(client, { done: new Promise(() => undefined), cancel }, WHILE)).rejects.toMatchObject({
      reason: 'client_closed',
    });
    expect(cancel).toHaveBeenCalledOnce();
  });
});

/** The part of a leg that says when its client has left. */
class Client {
  #listener: ((how: Departure) => void) | undefined;
  #departure: Departure | undefined;

  get isWatched(): boolean {
    return this.#listener !== undefined;
  }

  whenGone(listener: (how: Departure) => void): () => void {
    if (this.#departure) listener(this.#departure);
    else this.#listener = listener;
    return () => (this.#listener = undefined);
  }

  leave(how: Departure): void {
    this.#departure = how;
    this.#listener?.(how);
  }
}
