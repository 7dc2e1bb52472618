import { type Ip, parseIp } from '@sallyport/addresses';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientKey } from '../../src/limits/client-key.ts';
import { createLimits, type Limits } from '../../src/limits/limits.ts';
import type { LinkWatcher, StoreLink } from '../../src/limits/shared/redis-link.ts';
import { SharedLimits } from '../../src/limits/shared/shared-limits.ts';

/** A store that answers at once, or when a test says so, and remembers what it was told of places. */
class FakeStore implements StoreLink {
  readonly #held = new Map<string, number>();
  isSlow = false;
  isFull = false;
  readonly #unanswered: (() => void)[] = [];

  run(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const answers: number[] = [];
    // Two keys and six arguments an entry, behind two arguments for all of them.
    for (let at = 0; at < keys.length; at += 2) {
      const [held = 0, , wanted = 0] = args.slice(2 + at * 3).map(Number);
      const granted = this.isFull ? 0 : wanted;
      this.#held.set(keys[at] ?? '', held + granted);
      answers.push(granted, 0);
    }
    if (!this.isSlow) return Promise.resolve(answers);
    return new Promise((resolve) => this.#unanswered.push(() => resolve(answers)));
  }

  held(scope: string, by: Ip = client): number | undefined {
    return this.#held.get(`test:places:${scope}:${clientKey(by)}`);
  }

  drop(): void {
    this.#unanswered.length = 0;
  }

  answer(): void {
    for (const answer of this.#unanswered.splice(0)) answer();
  }
}

const PER_CLIENT = { tunnels: 100, tunnels_per_client: 10 };
const SHARING = { name: 'sharing', limits: PER_CLIENT };
const ALONE = { name: 'alone', limits: { ...PER_CLIENT, tunnels_per_client: 4 } };

/** The scope of all listeners. */
const ALL = '*';

const client = ipOf('192.0.2.7');
const another = ipOf('192.0.2.8');

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (!ip) throw new Error(`${text} is no address`);
  return ip;
}

let store: FakeStore;
let limits: Limits;
let shared: SharedLimits;
let link: LinkWatcher | undefined;
const onUp = vi.fn();
const onAway = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  onUp.mockClear();
  onAway.mockClear();
  store = new FakeStore();
  limits = createLimits(PER_CLIENT);
  limits.update(PER_CLIENT, [SHARING, ALONE]);
  shared = new SharedLimits({
    prefix: 'test',
    connect: (watcher) => {
      link = watcher;
      return Promise.resolve();
    },
    onUp,
    onAway,
    onLate: () => undefined,
  });
  limits.share(shared);
});

afterEach(async () => {
  store.isSlow = false;
  store.answer();
  const closed = shared.close();
  await vi.advanceTimersByTimeAsync(1_000);
  await closed;
  vi.useRealTimers();
});

/** Whatever waits for a timer has had its time then. */
async function pass(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1_000);
}

async function comeUp(): Promise<void> {
  link?.ready(store);
  await pass();
}

describe('a store that comes up', () => {
  it('is told of the places that were given back while it did', async () => {
    expect(limits.admit(SHARING, client)).toEqual({ kind: 'admitted' });
    store.isSlow = true;
    link?.ready(store);
    expect(store.held(ALL)).toBe(1);

    limits.leave(SHARING.name, client);
    store.answer();
    // The change is due now, and the store is not up: its probe has no answer yet.
    await pass();
    expect(onUp).not.toHaveBeenCalled();
    store.isSlow = false;
    store.answer();
    await pass();
    expect(onUp).toHaveBeenCalled();
    expect(store.held(ALL)).toBe(0);
  });
});

describe('connections that are promised', () => {
  it('are none while replicas count together, whether the store is there or not', async () => {
    expect(limits.roomFor(SHARING, client)).toBeUndefined();
    await comeUp();
    expect(limits.roomFor(SHARING, client)).toBeUndefined();
    limits.share(undefined);
    expect(limits.roomFor(SHARING, client)).toEqual({ inAll: 25, toClient: 2 });
  });

  it('are reported where they were promised before that, and have come since', async () => {
    await comeUp();
    limits.enter(SHARING, client);
    await pass();
    expect(store.held(ALL)).toBe(1);
    limits.leave(SHARING.name, client);
    await pass();
    expect(store.held(ALL)).toBe(0);
  });
});

describe('a store that is away', () => {
  it('is told of again where the reason is another, but not at once', async () => {
    await comeUp();
    for (const why of ['Socket closed unexpectedly', 'NOAUTH', 'NOAUTH']) {
      link?.lost(why);
      await pass();
    }
    expect(onAway.mock.calls).toEqual([['Socket closed unexpectedly']]);

    await vi.advanceTimersByTimeAsync(10_000);
    for (let attempt = 0; attempt < 20; attempt += 1) {
      link?.lost('NOAUTH');
      await pass();
    }
    expect(onAway.mock.calls).toEqual([['Socket closed unexpectedly'], ['NOAUTH']]);
  });
});

describe('a store that is given up', () => {
  it('keeps no place of a client that leaves meanwhile', async () => {
    await comeUp();
    const first = limits.admit(SHARING, client);
    await pass();
    expect(await first).toEqual({ kind: 'admitted' });
    expect(store.held(ALL)).toBe(1);

    store.isSlow = true;
    const asked = limits.admit(SHARING, another);
    const closed = shared.close();
    limits.share(undefined);
    limits.leave(SHARING.name, client);
    store.isSlow = false;
    store.answer();
    await pass();
    await closed;
    expect(await asked).toEqual({ kind: 'admitted' });
    expect([store.held(ALL), store.held(ALL, another)]).toEqual([0, 0]);
  });
});

describe('a listener with a limit of its own', () => {
  it('has its connections counted among all once they are admitted, and not before', async () => {
    await comeUp();
    const first = limits.admit(SHARING, client);
    await pass();
    expect(await first).toEqual({ kind: 'admitted' });
    expect(store.held(ALL)).toBe(1);

    store.isFull = true;
    // What is told of all goes with the question for the one that waits.
    limits.leave(SHARING.name, client);
    const refused = limits.admit(ALONE, client);
    await pass();
    expect(await refused).toMatchObject({ kind: 'refused' });
    expect(store.held(ALL)).toBe(0);

    store.isFull = false;
    const next = limits.admit(ALONE, client);
    await pass();
    expect(await next).toEqual({ kind: 'admitted' });
    expect([store.held(ALL), store.held(ALONE.name)]).toEqual([1, 1]);
  });

  it('has its connections counted where a reload gives it that limit again', async () => {
    await comeUp();
    const first = limits.admit(ALONE, client);
    await pass();
    await first;
    const together = { ...ALONE, limits: PER_CLIENT };
    limits.update(PER_CLIENT, [SHARING, together]);
    const second = limits.admit(together, client);
    await pass();
    await second;
    limits.update(PER_CLIENT, [SHARING, ALONE]);
    await vi.advanceTimersByTimeAsync(20);
    expect(store.held(ALONE.name)).toBe(2);
  });
});
