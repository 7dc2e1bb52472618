import { describe, expect, it } from 'vitest';
import { shareScrapes } from '../../src/admin/shared-scrape.ts';

/** Says how many readings there were, each of which holds the thread for `busyMs`. */
function readings(busyMs: number): () => Promise<string> {
  let count = 0;
  return () => {
    for (const until = performance.now() + busyMs; performance.now() < until;);
    return Promise.resolve(`${(count += 1)}`);
  };
}

describe('shareScrapes', () => {
  it('reads once for all who ask at the same time', async () => {
    const scrape = shareScrapes(readings(0));
    expect(new Set(await Promise.all(Array.from({ length: 100 }, scrape)))).toEqual(new Set(['1']));
  });

  it('reads anew for who asks after it has answered', async () => {
    const scrape = shareScrapes(readings(0));
    expect([await scrape(), await scrape()]).toEqual(['1', '2']);
  });

  it('rests after a reading that took long, and reads once for all who ask meanwhile', async () => {
    const scrape = shareScrapes(readings(20));
    await scrape();
    const askedAt = performance.now();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, scrape)))).toEqual(new Set(['2']));
    expect(performance.now() - askedAt).toBeGreaterThan(19 * 20 - 5);
  });

  it('goes on after a reading that failed', async () => {
    let isBroken = true;
    const scrape = shareScrapes(() => (isBroken ? Promise.reject(new Error('broken')) : Promise.resolve('fine')));
    await expect(scrape()).rejects.toThrow('broken');
    isBroken = false;
    expect(await scrape()).toBe('fine');
  });
});
