import { type Ip, parseIp } from '@sallyport/addresses';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLimits, type Limits } from '../../src/limits/limits.ts';
import type { ConnectionLimits, LimitedListener } from '../../src/limits/scopes.ts';
import { Repeats, type Terms } from '../../src/repeat/repeats.ts';

/** What an engine has been told to repeat, and does when a test says so. */
class Engine {
  /** The oldest first. */
  readonly verdicts: { readonly terms: Terms; left: number }[] = [];
  /** What is found where a tunnel is decided as well. */
  found: number | undefined;
  /** It takes a moment before it has forgotten. */
  isSlow = false;

  remember(terms: Terms): boolean {
    this.verdicts.push({ terms, left: terms.tunnels });
    return true;
  }

  /** Makes a tunnel by the oldest verdict. */
  repeat(isAgain = false): void {
    const [verdict] = this.verdicts;
    if (verdict === undefined) throw new Error('there is nothing to repeat');
    verdict.left -= 1;
    const { terms } = verdict;
    terms.onRepeated(isAgain, terms.isDue() ? this.found : undefined);
    if (verdict.left === 0) this.#forget(verdict, false);
  }

  /** A dial by the oldest verdict has failed. */
  fail(): void {
    const [verdict] = this.verdicts;
    if (verdict) this.#forget(verdict, true);
  }

  /** The time of a verdict is over. */
  end(terms: Terms): void {
    const verdict = this.verdicts.find((each) => each.terms === terms);
    if (verdict) this.#forget(verdict, false);
  }

  forgetVerdicts(): void {
    if (!this.isSlow) this.forgetNow();
  }

  forgetNow(): void {
    for (const verdict of [...this.verdicts]) this.#forget(verdict, false);
  }

  get promised(): number {
    return this.verdicts.reduce((sum, { left }) => sum + left, 0);
  }

  #forget(verdict: (typeof this.verdicts)[number], wasNoGood: boolean): void {
    this.verdicts.splice(this.verdicts.indexOf(verdict), 1);
    verdict.terms.onForgotten(wasNoGood);
  }
}

interface Asked {
  readonly key?: string;
  readonly client?: Ip;
  readonly listener?: LimitedListener;
  readonly holdsMs?: number;
}

const ALICE = ip('192.0.2.1');
const BOB = ip('192.0.2.2');
const ROOMY: ConnectionLimits = { tunnels: 100_000, tunnels_per_client: 100_000 };
const OFTEN = 8;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** A process with these limits, which its one listener shares. */
function open(limits: ConnectionLimits = ROOMY) {
  const engine = new Engine();
  const counted = createLimits(limits);
  const repeats = new Repeats(engine, counted);
  const ours: LimitedListener = { name: 'explicit', limits };
  /** Clients come up by the usual way. Returns how often it was described what is to be repeated. */
  const comeUp = (times: number, { key = 'k', client = ALICE, listener = ours, holdsMs = Infinity }: Asked = {}) => {
    let described = 0;
    const describe = () => {
      described += 1;
      return { key, listener, client, holdsMs, remember: (terms: Terms) => engine.remember(terms) };
    };
    for (let time = 0; time < times; time++) repeats.cameUp(key, describe);
    return described;
  };
  return { engine, limits: counted, repeats, listener: ours, comeUp };
}

describe('what is repeated', () => {
  it('came up eight times within a second', () => {
    const { engine, comeUp } = open();
    expect(comeUp(OFTEN - 1)).toBe(0);
    expect(comeUp(1)).toBe(1);
    expect(engine.verdicts).toMatchObject([{ terms: { tunnels: 64, holdsMs: 1_000 } }]);
  });

  it('is none of what came up seven times in one second and seven in the next', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN - 1);
    vi.advanceTimersByTime(1_001);
    comeUp(OFTEN - 1);
    expect(engine.verdicts).toEqual([]);
  });

  it('is counted for each key by itself', () => {
    const { engine, comeUp } = open();
    for (let time = 0; time < OFTEN - 1; time++) for (const key of ['a', 'b', 'c']) comeUp(1, { key });
    expect(engine.verdicts).toEqual([]);
  });

  it('is not described again while the engine has it', () => {
    const { comeUp } = open();
    expect(comeUp(100)).toBe(1);
  });

  it('is repeated no longer than its address holds', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN, { holdsMs: 300 });
    expect(engine.verdicts).toMatchObject([{ terms: { holdsMs: 300 } }]);
  });

  it('is nothing whose address has just expired', () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN, { holdsMs: 0 });
    expect(engine.verdicts).toEqual([]);
    expect(repeats.remembered).toBe(1);
  });

  it('is nothing that the engine cannot repeat', async () => {
    const { engine, repeats, comeUp } = open();
    vi.spyOn(engine, 'remember').mockReturnValue(false);
    comeUp(OFTEN);
    await repeats.forget();
    expect(repeats.remembered).toBe(0);
  });
});

describe('the next verdict', () => {
  it('is there once half of one is used, for twice as many where that was within 300 ms, and 1,024 at most', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    for (let time = 0; time < 3_000; time++) engine.repeat();
    const sizes = engine.verdicts.map(({ terms }) => terms.tunnels);
    expect(sizes.at(-1)).toBe(1_024);
    expect(engine.promised).toBeGreaterThan(0);
  });

  it('is for as many as the one before where that was slower', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    vi.advanceTimersByTime(301);
    for (let time = 0; time < 32; time++) engine.repeat();
    expect(engine.verdicts.map(({ terms }) => terms.tunnels)).toEqual([64, 64]);
  });

  it('ends when the first would have ended: after a second it is decided anew, once', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    vi.advanceTimersByTime(400);
    for (let time = 0; time < 32; time++) engine.repeat();
    expect(engine.verdicts.map(({ terms }) => terms.holdsMs)).toEqual([1_000, 600]);
    vi.advanceTimersByTime(601);
    for (let time = 0; time < 32 + 32; time++) engine.repeat();
    expect(engine.verdicts).toHaveLength(1);
    engine.forgetNow();
    expect(comeUp(5)).toBe(1);
    expect(engine.verdicts).toMatchObject([{ terms: { holdsMs: 1_000 } }]);
  });

  it('is not there for what is seldom asked for: it has to come up eight times again', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    for (let time = 0; time < OFTEN - 1; time++) engine.repeat();
    vi.advanceTimersByTime(1_001);
    engine.forgetNow();
    expect(comeUp(OFTEN - 1)).toBe(0);
    expect(comeUp(1)).toBe(1);
  });
});

describe('what is asked for on and on', () => {
  /** One tunnel in each ten milliseconds. */
  const repeatFor = (ms: number, { engine }: Pick<ReturnType<typeof open>, 'engine'>) => {
    for (const until = performance.now() + ms; performance.now() < until; vi.advanceTimersByTime(10)) {
      for (const { terms } of engine.verdicts.filter((each) => endOf(each.terms) <= performance.now()))
        engine.end(terms);
      engine.repeat();
    }
  };
  const endsAt = new Map<Terms, number>();
  const endOf = (terms: Terms): number => {
    const end = endsAt.get(terms) ?? performance.now() + terms.holdsMs;
    endsAt.set(terms, end);
    return end;
  };

  it('is decided again after half a second, and its next verdict is there before the first one ends', () => {
    const opened = open();
    const { engine, comeUp } = opened;
    comeUp(OFTEN);
    engine.found = Infinity;
    repeatFor(500, opened);
    const before = engine.verdicts.length;
    repeatFor(30, opened);
    expect(engine.verdicts).toHaveLength(before + 1);
    expect(engine.verdicts.at(-1)).toMatchObject({ terms: { holdsMs: 1_000 } });
    repeatFor(10_000, opened);
    expect(engine.promised).toBeGreaterThan(0);
  });

  it('has a verdict for twice as many as came since it was decided', () => {
    const opened = open();
    const { engine, comeUp } = opened;
    comeUp(OFTEN);
    engine.found = Infinity;
    repeatFor(5_000, opened);
    expect(engine.verdicts.at(-1)?.terms.tunnels).toBeLessThan(128);
  });

  it('is decided again within a second where that could not be told at once', () => {
    const opened = open();
    opened.comeUp(OFTEN);
    expect(() => repeatFor(1_100, opened)).toThrow('nothing to repeat');
  });

  it('holds no longer than its address', () => {
    const opened = open();
    const { engine, comeUp } = opened;
    comeUp(OFTEN);
    engine.found = 70;
    repeatFor(530, opened);
    expect(engine.verdicts.at(-1)?.terms.holdsMs).toBeLessThanOrEqual(70);
  });

  it('is forgotten at once where it would be decided otherwise', () => {
    const opened = open();
    const { engine, comeUp } = opened;
    comeUp(OFTEN);
    engine.found = 0;
    expect(() => repeatFor(530, opened)).toThrow('nothing to repeat');
    expect(performance.now()).toBeLessThan(1_000_530);
  });

  it('is not decided again for less than eight tunnels', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    engine.found = Infinity;
    vi.advanceTimersByTime(600);
    for (let time = 0; time < OFTEN; time++) engine.repeat();
    expect(engine.verdicts).toHaveLength(1);
    engine.repeat();
    expect(engine.verdicts).toHaveLength(2);
  });
});

describe('what may be in a loop', () => {
  it('is forgotten at once and not repeated for ten seconds, though all was forgotten meanwhile', async () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN, { key: 'looping' });
    comeUp(OFTEN, { key: 'other' });
    engine.repeat();
    expect(engine.verdicts).toHaveLength(2);
    engine.repeat(true);
    expect(engine.verdicts).toEqual([]);
    await repeats.forget();
    vi.advanceTimersByTime(9_000);
    expect(comeUp(100, { key: 'looping' })).toBe(0);
    expect(comeUp(OFTEN, { key: 'other' })).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(comeUp(OFTEN, { key: 'looping' })).toBe(1);
  });
});

describe('what may be in a loop and has gone wrong', () => {
  it('is forgotten at once, too', () => {
    const { engine } = withTwoVerdictsOneFailed();
    engine.repeat(true);
    expect(engine.verdicts).toEqual([]);
  });
});

describe('what went wrong', () => {
  it('is not repeated for ten seconds', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    engine.fail();
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(9_999);
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(comeUp(1)).toBe(1);
  });

  it('is not repeated for twice as long each time, and for eleven minutes at most', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    for (const seconds of [10, 20, 40, 80, 160, 320, 640, 640]) {
      engine.fail();
      vi.advanceTimersByTime(1_000 * seconds - 1);
      expect(comeUp(100)).toBe(0);
      vi.advanceTimersByTime(1);
      expect(comeUp(1)).toBe(1);
    }
  });

  it('is not repeated for twice as long though all was forgotten meanwhile, as by a reload', async () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN);
    for (const seconds of [10, 20, 40]) {
      engine.fail();
      await repeats.forget();
      vi.advanceTimersByTime(1_000 * seconds - 1);
      expect(comeUp(100)).toBe(0);
      vi.advanceTimersByTime(1);
      await repeats.forget();
      expect(comeUp(1)).toBe(1);
    }
  });

  it('is not forgotten where a later verdict ends unused', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    engine.fail();
    vi.advanceTimersByTime(10_000);
    comeUp(1);
    vi.advanceTimersByTime(1_001);
    engine.forgetNow();
    comeUp(OFTEN);
    engine.fail();
    vi.advanceTimersByTime(19_999);
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(comeUp(1)).toBe(1);
  });

  it('is not repeated for ten seconds again where it was repeated for half a second since', () => {
    const { engine, comeUp } = open();
    comeUp(OFTEN);
    engine.fail();
    vi.advanceTimersByTime(10_000);
    comeUp(1);
    engine.found = Infinity;
    for (let time = 0; time < OFTEN; time++) engine.repeat();
    vi.advanceTimersByTime(501);
    engine.repeat();
    engine.fail();
    engine.forgetNow();
    vi.advanceTimersByTime(9_999);
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(comeUp(1)).toBe(1);
  });

  it('gets no next verdict either, while the engine has another one', () => {
    const { engine } = withTwoVerdictsOneFailed();
    for (let left = engine.promised; left > 0; left--) engine.repeat();
    expect(engine.verdicts).toEqual([]);
  });

  it('is not repeated for ten seconds where all was forgotten before that was known', () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN);
    engine.isSlow = true;
    void repeats.forget();
    engine.fail();
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(comeUp(OFTEN)).toBe(1);
  });
});

/** The oldest of two verdicts for the same has failed. */
function withTwoVerdictsOneFailed() {
  const opened = open();
  opened.comeUp(OFTEN);
  for (let time = 0; time < 32; time++) opened.engine.repeat();
  expect(opened.engine.verdicts).toHaveLength(2);
  opened.engine.fail();
  return opened;
}

describe('the room in the limits', () => {
  it.each([
    { limits: { ...ROOMY, tunnels: 512 }, tunnels: 64 },
    { limits: { ...ROOMY, tunnels: 200 }, tunnels: 25 },
    { limits: { ...ROOMY, tunnels: 128 }, tunnels: 16 },
    { limits: { ...ROOMY, tunnels: 127 }, tunnels: undefined },
    { limits: { ...ROOMY, tunnels_per_client: 200 }, tunnels: 25 },
    { limits: { ...ROOMY, tunnels_per_client: 127 }, tunnels: undefined },
    { limits: { ...ROOMY, new_per_client: 1_000 }, tunnels: undefined },
    { limits: { ...ROOMY, new_per_client: Infinity }, tunnels: 64 },
  ])('is an eighth of each: with $limits a verdict is for $tunnels tunnels', ({ limits, tunnels }) => {
    const { engine, comeUp } = open(limits);
    comeUp(OFTEN);
    expect(engine.verdicts.map(({ terms }) => terms.tunnels)).toEqual(tunnels === undefined ? [] : [tunnels]);
  });

  it('is none where half is taken, and everything is decided anew from that moment on', async () => {
    const { engine, limits, repeats, listener, comeUp } = open({ ...ROOMY, tunnels: 400 });
    comeUp(OFTEN);
    for (let taken = 1; taken <= 201; taken++) {
      expect(engine.verdicts.length > 0).toBe(true);
      limits.enter(listener, BOB);
      await repeats.heed(BOB);
    }
    expect(engine.verdicts).toEqual([]);
    vi.advanceTimersByTime(1_001);
    comeUp(100);
    expect(engine.verdicts).toEqual([]);
    limits.leave('explicit', BOB);
    vi.advanceTimersByTime(1_001);
    comeUp(OFTEN);
    expect(engine.verdicts).toHaveLength(1);
  });

  it('is known only once the engine has told of all tunnels: who comes meanwhile waits for that', async () => {
    const { engine, limits, repeats, listener, comeUp } = open({ ...ROOMY, tunnels: 400 });
    comeUp(OFTEN);
    for (let taken = 1; taken <= 200; taken++) limits.enter(listener, BOB);
    expect(repeats.heed(BOB)).toBe(undefined);
    limits.enter(listener, BOB);
    engine.isSlow = true;
    let counted = 0;
    const waiting = [BOB, ALICE].map(async (client) => {
      await repeats.heed(client);
      counted += 1;
    });
    await Promise.resolve();
    expect(counted).toBe(0);
    limits.leave('explicit', BOB);
    comeUp(OFTEN, { key: 'of a moment with room' });
    expect(engine.verdicts).toHaveLength(1);
    engine.forgetNow();
    await Promise.all(waiting);
    expect(repeats.heed(BOB)).toBe(undefined);
  });

  it('is shared by all that a client has asked for, and by the clients', () => {
    const { engine, comeUp } = open({ tunnels: 1_600, tunnels_per_client: 400 });
    const sizes = () => engine.verdicts.splice(0).map(({ terms }) => terms.tunnels);
    for (const key of ['a', 'b', 'c', 'd']) comeUp(OFTEN, { key });
    expect(sizes()).toEqual([50, 25]);
    for (const key of ['e', 'f']) comeUp(OFTEN, { key, client: BOB });
    expect(sizes()).toEqual([50, 25]);
  });

  it('is watched at all listeners to which something is promised: tunnels of one may count for another', () => {
    const { engine, limits, repeats, comeUp } = open({ ...ROOMY, tunnels: 400 });
    const alone: LimitedListener = { name: 'alone', limits: { ...ROOMY, tunnels: 4_000 } };
    comeUp(OFTEN);
    for (let taken = 0; taken < 201; taken++) {
      limits.enter(alone, BOB);
      void repeats.heed(BOB);
    }
    expect(engine.verdicts).toEqual([]);
  });

  it('of others is not touched by a client that has used up its own', () => {
    const { engine, limits, repeats, listener, comeUp } = open({ ...ROOMY, tunnels_per_client: 400 });
    comeUp(OFTEN);
    for (let taken = 0; taken < 300; taken++) {
      limits.enter(listener, BOB);
      void repeats.heed(BOB);
    }
    expect(engine.verdicts).toHaveLength(1);
    for (let taken = 0; taken < 201; taken++) {
      limits.enter(listener, ALICE);
      void repeats.heed(ALICE);
    }
    expect(engine.verdicts).toEqual([]);
  });

  it('is never overdrawn, whatever clients come and go', async () => {
    const shared = { tunnels: 300, tunnels_per_client: 200 };
    const listeners = [
      { name: 'one', limits: shared },
      { name: 'other', limits: shared },
      { name: 'alone', limits: { tunnels: 500, tunnels_per_client: 260 } },
    ] as const;
    const clients = [ALICE, BOB, ip('2001:db8::1')] as const;
    const step = fc.record({
      what: fc.constantFrom('comes', 'comes', 'repeats', 'repeats', 'leaves', 'fails', 'waits'),
      listener: fc.constantFrom(...listeners),
      client: fc.constantFrom(...clients),
      times: fc.integer({ min: 1, max: 200 }),
      found: fc.constantFrom(undefined, 0, 300, Infinity),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { engine, limits, repeats, comeUp } = open(shared);
        const held: Share[] = [];
        const promisedTo = new Map<Terms, Share>();
        const enter = async (listener: LimitedListener, client: Ip) => {
          held.push({ listener, client });
          await repeats.heed(client);
        };
        for (const { what, listener, client, times, found } of steps) {
          engine.found = found;
          for (let time = 0; time < times; time++) {
            if (what === 'comes' && admits(limits, listener, client)) {
              await enter(listener, client);
              comeUp(1, { key: `${listener.name} ${client.text}`, listener, client });
              for (const { terms } of engine.verdicts)
                if (!promisedTo.has(terms)) promisedTo.set(terms, { listener, client });
            }
            if (what === 'repeats' && engine.promised > 0) {
              const promised = promisedTo.get(engine.verdicts[0]?.terms as Terms);
              if (promised === undefined) throw new Error('nobody was promised that');
              limits.enter(promised.listener, promised.client);
              engine.repeat();
              for (const { terms } of engine.verdicts) if (!promisedTo.has(terms)) promisedTo.set(terms, promised);
              await enter(promised.listener, promised.client);
            }
            const [first] = held;
            if (what === 'leaves' && first) {
              held.shift();
              limits.leave(first.listener.name, first.client);
            }
            expectRoom({ shared, clients, held, engine, promisedTo });
          }
          if (what === 'fails') engine.fail();
          if (what === 'waits') vi.advanceTimersByTime(20 * times);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is remembered', () => {
  it('is bounded, however many different things are asked for', () => {
    const { repeats, comeUp, engine } = open();
    for (let key = 0; key < 100_000; key++) comeUp(1, { key: `k${key}` });
    expect(repeats.remembered).toBeLessThanOrEqual(1_024);
    for (let key = 0; key < 20_000; key++) {
      comeUp(OFTEN, { key: `k${key}` });
      if (key % 50 === 0) vi.advanceTimersByTime(1_001);
      if (key % 10 === 0) engine.fail();
    }
    expect(engine.promised).toBeLessThanOrEqual(8_192);
    expect(repeats.remembered).toBeLessThanOrEqual(2 * 1_024 + 8_192 / 16);
  });
});

describe('forgetting', () => {
  it('is over once the engine has forgotten every verdict', async () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN);
    comeUp(OFTEN, { key: 'other', client: BOB });
    engine.isSlow = true;
    let isOver = false;
    const forgetting = repeats.forget().then(() => (isOver = true));
    await Promise.resolve();
    expect(isOver).toBe(false);
    engine.forgetNow();
    await forgetting;
    expect(repeats.remembered).toBe(0);
  });

  it('begins all counting anew, and makes no next verdict of one that is being forgotten', async () => {
    const { engine, repeats, comeUp } = open();
    comeUp(OFTEN);
    engine.isSlow = true;
    const forgetting = repeats.forget();
    for (let time = 0; time < 40; time++) engine.repeat();
    expect(engine.verdicts).toHaveLength(1);
    engine.forgetNow();
    await forgetting;
    expect(comeUp(OFTEN - 1)).toBe(0);
    expect(comeUp(1)).toBe(1);
  });

  it('makes no next verdict of one that is being forgotten, whose like has gone wrong, until that has had its ten seconds', async () => {
    const { engine, repeats, comeUp } = withTwoVerdictsOneFailed();
    engine.isSlow = true;
    const forgetting = repeats.forget();
    for (let left = engine.promised; left > 1; left--) engine.repeat();
    expect(engine.verdicts).toHaveLength(1);
    engine.forgetNow();
    await forgetting;
    vi.advanceTimersByTime(9_999);
    expect(comeUp(100)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(comeUp(OFTEN)).toBe(1);
  });

  it('is over at once where there is nothing to forget', async () => {
    const { repeats } = open();
    await expect(repeats.forget()).resolves.toBeUndefined();
  });
});

function admits(limits: Limits, listener: LimitedListener, client: Ip): boolean {
  const admission = limits.admit(listener, client);
  return 'kind' in admission && admission.kind === 'admitted';
}

/** Whose tunnels they are. */
interface Share {
  readonly listener: LimitedListener;
  readonly client: Ip;
}

interface Situation {
  readonly shared: ConnectionLimits;
  readonly clients: readonly Ip[];
  readonly held: readonly Share[];
  readonly engine: Engine;
  readonly promisedTo: ReadonlyMap<Terms, Share>;
}

/** All that is promised at a listener could be taken now. */
function expectRoom({ shared, clients, held, engine, promisedTo }: Situation): void {
  const promised = engine.verdicts.flatMap(({ terms, left }) => {
    const share = promisedTo.get(terms);
    return share === undefined ? [] : new Array<Share>(left).fill(share);
  });
  for (const listener of new Set(promised.map((share) => share.listener))) {
    const { tunnels, tunnels_per_client } = listener.limits;
    const counts = (limit: keyof ConnectionLimits) => (share: Share) =>
      listener.limits[limit] === shared[limit] || share.listener === listener;
    const isHere = (share: Share): boolean => share.listener === listener;
    expect(held.filter(counts('tunnels')).length + promised.filter(isHere).length).toBeLessThanOrEqual(tunnels);
    for (const client of clients) {
      const isOf = (share: Share): boolean => share.client === client;
      const more = promised.filter((share) => isHere(share) && isOf(share)).length;
      if (more === 0) continue;
      const heldByClient = held.filter(counts('tunnels_per_client')).filter(isOf).length;
      expect(heldByClient + more).toBeLessThanOrEqual(tunnels_per_client);
    }
  }
}

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}
