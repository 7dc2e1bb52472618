import { describe, expect, it } from 'vitest';
import { parseIp } from '@sallyport/addresses';
import { AnswerCache, STALE_RECHECK_MS } from '../src/answer-cache.ts';

const SETTINGS = { entries: 2, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: 0 };
const ADDRESSES = [parseIp('192.0.2.1')].filter((ip) => ip !== undefined);
/** How long filling the cache may take on a slow machine, which counts towards a TTL. */
const SLACK_MS = 500;

describe('AnswerCache', () => {
  it.each([
    { title: 'a TTL as it is', ttlMs: 60_000, holdsMs: 60_000 },
    { title: 'a TTL of nothing for min_ttl', ttlMs: 0, holdsMs: 1000 },
    { title: 'a TTL of a week for max_ttl', ttlMs: 604_800_000, holdsMs: 300_000 },
  ])('keeps $title', ({ ttlMs, holdsMs }) => {
    const cache = new AnswerCache(SETTINGS);
    const answer = cache.keep('host.example', ADDRESSES, ttlMs);
    const now = performance.now();
    expect(cache.get('host.example', now + holdsMs - SLACK_MS)).toBe(answer);
    expect(cache.get('host.example', now + holdsMs)).toBeUndefined();
  });

  it('keeps for negative_ttl that a name has no address', () => {
    const cache = new AnswerCache(SETTINGS);
    cache.keepNone('gone.example');
    const now = performance.now();
    expect(cache.get('gone.example', now + 5000 - SLACK_MS)).toMatchObject({ kind: 'failed', reason: 'dns' });
    expect(cache.get('gone.example', now + 5000)).toBeUndefined();
  });

  it('forgets the least recently used name when it is full', () => {
    const cache = new AnswerCache(SETTINGS);
    for (const name of ['a.example', 'b.example']) cache.keep(name, ADDRESSES, 60_000);
    cache.get('a.example', performance.now());
    cache.keep('c.example', ADDRESSES, 60_000);
    const now = performance.now();
    const kept = ['a.example', 'b.example', 'c.example'].filter((name) => cache.get(name, now));
    expect(kept).toEqual(['a.example', 'c.example']);
  });

  it('keeps nothing when it has no entries', () => {
    const cache = new AnswerCache({ ...SETTINGS, entries: 0 });
    cache.keep('a.example', ADDRESSES, 60_000);
    expect(cache.get('a.example', performance.now())).toBeUndefined();
  });

  it('lets a stale answer hold for half a minute at a time', () => {
    const cache = new AnswerCache({ ...SETTINGS, min_ttl: 0, stale_if_error: 3_600_000 });
    const answer = cache.keep('a.example', ADDRESSES, 0);
    expect(cache.get('a.example', performance.now())).toBeUndefined();
    expect(cache.serveStale('a.example')).toBe(answer);
    const now = performance.now();
    expect(cache.get('a.example', now + STALE_RECHECK_MS - SLACK_MS)).toBe(answer);
    expect(cache.get('a.example', now + STALE_RECHECK_MS)).toBeUndefined();
  });
});
