import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBuckets } from '../../src/limits/token-buckets.ts';

describe('TokenBuckets', () => {
  it.each([1, 3, 7, 200, 9_999])('gives a burst of exactly one second’s worth at %d a second', (rate) => {
    const buckets = new TokenBuckets();
    const now = 1e9 + 0.3;
    for (let taken = 0; taken < rate; taken++) expect(buckets.take('client', rate, now)).toBe(0);
    expect(buckets.take('client', rate, now)).toBeCloseTo(1000 / rate, 2);
  });

  it('holds one token at a rate below one a second', () => {
    const buckets = new TokenBuckets();
    expect(buckets.take('client', 0.5, 0)).toBe(0);
    expect(buckets.take('client', 0.5, 500)).toBe(1500);
    expect(buckets.take('client', 0.5, 2000)).toBe(0);
  });

  it('says how long until the next token, and has it then', () => {
    const buckets = new TokenBuckets();
    for (let taken = 0; taken < 4; taken++) buckets.take('client', 4, 1000);
    expect(buckets.take('client', 4, 1100)).toBe(150);
    expect(buckets.take('client', 4, 1250)).toBe(0);
  });

  it('agrees with a bucket that is refilled by the book', () => {
    const steps = fc.array(fc.record({ client: fc.constantFrom('a', 'b', 7), passMs: fc.nat(1500) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4, 5, 8), fc.nat(5000), steps, (rate, startMs, taken) => {
        const buckets = new TokenBuckets();
        const reference = new Map<string | number, { thousandths: number; at: number }>();
        let now = startMs;
        for (const { client, passMs } of taken) {
          now += passMs;
          const isTaken = buckets.take(client, rate, now) === 0;
          expect(isTaken).toBe(takeByTheBook(reference, client, rate, now));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('remembers only the clients of the last two seconds, out of a million in an hour', () => {
    const buckets = new TokenBuckets();
    const clients = 1_000_000;
    let most = 0;
    for (let client = 0; client < clients; client++) {
      buckets.take(client, 200, (client * 3_600_000) / clients);
      most = Math.max(most, buckets.size);
    }
    expect(most).toBeLessThanOrEqual(2 * Math.ceil(clients / 3600) + 2);
  });
});

describe('a flood of clients', () => {
  it('is remembered to a bound, however fast it comes', () => {
    const buckets = new TokenBuckets();
    for (let client = 0; client < 500_000; client++) buckets.take(client, 1, 0);
    expect(buckets.size).toBeLessThanOrEqual(2 * 65_536);
  });
});

describe('asking a bucket', () => {
  it('tells what taking would come to, and takes nothing', () => {
    const buckets = new TokenBuckets();
    for (let round = 0; round < 5; round++) expect(buckets.ask('a', 2, 0)).toBe(0);
    expect(buckets.size).toBe(0);
    expect([buckets.take('a', 2, 0), buckets.take('a', 2, 0)]).toEqual([0, 0]);
    expect(buckets.ask('a', 2, 0)).toBe(500);
    expect(buckets.take('a', 2, 0)).toBe(500);
  });
});

/** A bucket of `rate` tokens, counted in thousandths so that every millisecond refills a whole number of them. */
function takeByTheBook(
  buckets: Map<string | number, { thousandths: number; at: number }>,
  client: string | number,
  rate: number,
  now: number,
): boolean {
  const bucket = buckets.get(client) ?? { thousandths: rate * 1000, at: now };
  bucket.thousandths = Math.min(rate * 1000, bucket.thousandths + (now - bucket.at) * rate);
  bucket.at = now;
  buckets.set(client, bucket);
  if (bucket.thousandths < 1000) return false;
  bucket.thousandths -= 1000;
  return true;
}
