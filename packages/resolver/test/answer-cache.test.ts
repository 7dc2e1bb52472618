import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '@sallyport/addresses';
import { NO_ADDRESS, type Rest } from '../src/answer.ts';
import { AnswerCache, BYTES_AN_ENTRY, STALE_RECHECK_MS } from '../src/answer-cache.ts';
import { ip } from '../../addresses/test/literal.ts';

const SETTINGS = { entries: 2, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: 0 };
const ADDRESSES = [parseIp('192.0.2.1')].filter((ip) => ip !== undefined);
const REST: Rest = {
  missing: 'A',
  isUnderWay: false,
  ask: () => ({ done: Promise.resolve(NO_ADDRESS.auto), cancel: () => undefined }),
};
/** How long filling the cache may take on a slow machine, which counts towards a TTL. */
const SLACK_MS = 500;

describe('AnswerCache', () => {
  it.each([
    { title: 'a TTL as it is', ttlMs: 60_000, holdsMs: 60_000 },
    { title: 'a TTL of nothing for min_ttl', ttlMs: 0, holdsMs: 1000 },
    { title: 'a TTL of a week for max_ttl', ttlMs: 604_800_000, holdsMs: 300_000 },
  ])('keeps $title', ({ ttlMs, holdsMs }) => {
    const cache = new AnswerCache(SETTINGS);
    const answer = cache.keep('host.example', { addresses: ADDRESSES, ttlMs });
    const now = performance.now();
    expect(cache.get('host.example', now + holdsMs - SLACK_MS)).toBe(answer);
    expect(cache.get('host.example', now + holdsMs)).toBeUndefined();
  });

  it('keeps for negative_ttl that a name has no address', () => {
    const cache = new AnswerCache(SETTINGS);
    cache.keepNone('gone.example', NO_ADDRESS.auto);
    const now = performance.now();
    expect(cache.get('gone.example', now + 5000 - SLACK_MS)).toMatchObject({ kind: 'failed', reason: 'dns' });
    expect(cache.get('gone.example', now + 5000)).toBeUndefined();
  });

  it('says for how long it has an answer', () => {
    const cache = new AnswerCache(SETTINGS);
    expect(cache.leftMs('host.example', performance.now(), performance.now())).toBe(0);
    cache.keep('host.example', { addresses: ADDRESSES, ttlMs: 60_000 });
    const now = performance.now();
    const left = cache.leftMs('host.example', now, now);
    expect(left).toBeGreaterThan(60_000 - SLACK_MS);
    expect(cache.get('host.example', now + left - 1)).toBeDefined();
    expect(cache.get('host.example', now + left)).toBeUndefined();
    expect([left, 1e9].map((later) => cache.leftMs('host.example', now + later, now))).toEqual([0, 0]);
    cache.keep('host.example', { addresses: ADDRESSES, ttlMs: 60_000 });
    expect(cache.leftMs('host.example', now, now)).toBe(0);
  });

  it('has another answer once the addresses of one family are gone', () => {
    const cache = new AnswerCache({ ...SETTINGS, stale_if_error: 60_000 });
    cache.keep('host.example', { addresses: [...ADDRESSES, ip('2001:db8::1')], ttlMs: 60_000 });
    const now = performance.now();
    cache.serveStale('host.example', NO_ADDRESS.auto);
    expect(cache.leftMs('host.example', now, now)).toBeGreaterThan(0);
    cache.serveStale('host.example', NO_ADDRESS.auto, 'A');
    expect(cache.leftMs('host.example', now, now)).toBe(0);
  });

  it('forgets the least recently used name when it is full', () => {
    const cache = new AnswerCache(SETTINGS);
    for (const name of ['a.example', 'b.example']) cache.keep(name, { addresses: ADDRESSES, ttlMs: 60_000 });
    cache.get('a.example', performance.now());
    cache.keep('c.example', { addresses: ADDRESSES, ttlMs: 60_000 });
    const now = performance.now();
    const kept = ['a.example', 'b.example', 'c.example'].filter((name) => cache.get(name, now));
    expect(kept).toEqual(['a.example', 'c.example']);
  });

  it('takes no memory for names that it may hold and does not', () => {
    const before = process.memoryUsage().heapUsed;
    const cache = new AnswerCache({ ...SETTINGS, entries: 4_000_000 });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
    expect(cache.bytes).toBe(0);
  });

  it('holds its bytes, however many addresses its names have', () => {
    const cache = new AnswerCache({ ...SETTINGS, entries: 1000 });
    const most = Array.from({ length: 128 }, () => ADDRESSES).flat();
    for (let at = 0; at < 1000; at += 1) cache.keep(`${at}.example`, { addresses: most, ttlMs: 60_000 });
    expect(cache.bytes).toBeLessThanOrEqual(1000 * BYTES_AN_ENTRY);
    expect(cache.get('999.example', performance.now())).toBeDefined();
    expect(cache.get('0.example', performance.now())).toBeUndefined();
  });

  it('keeps no answer for ever, whatever its TTL', () => {
    const cache = new AnswerCache(SETTINGS);
    fc.assert(
      fc.property(
        fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -1)),
        fc.boolean(),
        (ttlMs, isHalf) => {
          const now = performance.now();
          cache.keep('host.example', { addresses: ADDRESSES, ttlMs, ...(isHalf && { rest: REST }) });
          const longest = (isHalf ? SETTINGS.negative_ttl : SETTINGS.max_ttl) + SLACK_MS;
          expect(cache.get('host.example', now + SETTINGS.min_ttl - 1)).toBeDefined();
          expect(cache.get('host.example', now + longest)).toBeUndefined();
        },
      ),
    );
  });

  it('lets what it had of the family that failed stand in, if it may, and no longer than that holds', () => {
    const [ipv4, ipv6] = [ip('192.0.2.1'), ip('2001:db8::1')];
    const settings = { ...SETTINGS, min_ttl: 0, stale_if_error: 1000 };
    const cache = new AnswerCache(settings);
    cache.keep('a.example', { addresses: [ipv6, ipv4], ttlMs: 0 });
    const half = { addresses: [ipv6], ttlMs: 60_000, rest: REST };
    expect(cache.keep('a.example', half)).toMatchObject({ addresses: [ipv6, ipv4], rest: REST });
    const none = new AnswerCache({ ...settings, stale_if_error: 0 });
    none.keep('a.example', { addresses: [ipv6, ipv4], ttlMs: 0 });
    expect(none.keep('a.example', half)).toMatchObject({ addresses: [ipv6] });
  });

  it('keeps nothing when it has no entries', () => {
    const cache = new AnswerCache({ ...SETTINGS, entries: 0 });
    cache.keep('a.example', { addresses: ADDRESSES, ttlMs: 60_000 });
    expect(cache.get('a.example', performance.now())).toBeUndefined();
  });

  it('lets a stale answer hold for half a minute at a time', () => {
    const cache = new AnswerCache({ ...SETTINGS, min_ttl: 0, stale_if_error: 3_600_000 });
    cache.keep('a.example', { addresses: ADDRESSES, ttlMs: 0 });
    expect(cache.get('a.example', performance.now())).toBeUndefined();
    const stale = cache.serveStale('a.example', FAILURE);
    expect(stale).toEqual({ kind: 'addresses', addresses: ADDRESSES, failure: FAILURE });
    const now = performance.now();
    expect(cache.get('a.example', now + STALE_RECHECK_MS - SLACK_MS)).toBe(stale);
    expect(cache.get('a.example', now + STALE_RECHECK_MS)).toBeUndefined();
  });

  it('shortens no answer that is still valid when DNS fails', () => {
    const cache = new AnswerCache({ ...SETTINGS, max_ttl: 300_000, stale_if_error: Infinity });
    const answer = cache.keep('a.example', { addresses: ADDRESSES, ttlMs: 300_000 });
    expect(cache.serveStale('a.example', FAILURE)).toMatchObject({ addresses: ADDRESSES, failure: FAILURE });
    expect(cache.get('a.example', performance.now() + 300_000 - SLACK_MS)).toBe(answer);
  });
});

const FAILURE = { kind: 'failed', reason: 'dns', detail: 'the name server failed (SERVFAIL)' } as const;
