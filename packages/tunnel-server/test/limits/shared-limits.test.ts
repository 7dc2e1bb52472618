import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Occupancy } from '../../src/limits/occupancy.ts';
import type { LinkWatcher, StoreLink } from '../../src/limits/shared/redis-link.ts';
import { SharedLimits } from '../../src/limits/shared/shared-limits.ts';

const CLIENT = 7;
const PLACES = `test:places:*:${CLIENT}`;

/** A store that answers at once, or when a test says so, and remembers what it was told of places. */
class FakeStore implements StoreLink {
  readonly held = new Map<string, number>();
  isSlow = true;
  readonly #unanswered: (() => void)[] = [];

  run(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    // Two keys and six arguments an entry, behind two arguments for all of them.
    for (let at = 0; at < keys.length; at += 2) this.held.set(keys[at] ?? '', Number(args[2 + at * 3]));
    const nothing = keys.map(() => 0);
    if (!this.isSlow) return Promise.resolve(nothing);
    return new Promise((resolve) => this.#unanswered.push(() => resolve(nothing)));
  }

  drop(): void {
    this.#unanswered.length = 0;
  }

  answer(): void {
    for (const answer of this.#unanswered.splice(0)) answer();
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a store that comes up', () => {
  it('is told of the places that were given back while it did', async () => {
    const store = new FakeStore();
    let link: LinkWatcher | undefined;
    const onUp = vi.fn();
    const shared = new SharedLimits({
      prefix: 'test',
      connect: (watcher) => {
        link = watcher;
        return Promise.resolve();
      },
      onUp,
      onAway: () => undefined,
      onLate: () => undefined,
    });
    const scope = { name: '*', occupancy: new Occupancy() };
    scope.occupancy.enter(CLIENT);
    shared.count(scope);
    link?.ready(store);
    expect(store.held.get(PLACES)).toBe(1);

    scope.occupancy.leave(CLIENT);
    shared.changed(scope, CLIENT, -1);
    store.answer();
    // The change is due now, and the store is not up: its probe has no answer yet.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(onUp).not.toHaveBeenCalled();
    store.isSlow = false;
    store.answer();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(onUp).toHaveBeenCalled();
    expect(store.held.get(PLACES)).toBe(0);
    await shared.close();
  });
});
