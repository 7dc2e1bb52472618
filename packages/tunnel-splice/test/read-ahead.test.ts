import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadAhead } from '../src/portable/read-ahead.ts';

describe('bytes read ahead', () => {
  it('come out as they went in, however they are cut', () => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 5_000 }), fc.nat({ max: 3_000 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const ahead = new ReadAhead();
        let expected = Buffer.alloc(0);
        for (const bytesOrLimit of steps) {
          if (typeof bytesOrLimit === 'number') {
            expect(Buffer.from(ahead.take(bytesOrLimit)).equals(expected.subarray(0, bytesOrLimit))).toBe(true);
            expected = expected.subarray(bytesOrLimit);
          } else {
            ahead.append(bytesOrLimit);
            expected = Buffer.concat([expected, bytesOrLimit]);
          }
          expect(ahead.length).toBe(expected.length);
        }
      }),
    );
  });

  it('are copies on the way in and on the way out', () => {
    const ahead = new ReadAhead();
    const source = Uint8Array.of(1, 2, 3);
    ahead.append(source);
    source.fill(9);
    const taken = ahead.take(2);
    ahead.append(Uint8Array.of(7, 7, 7));
    expect([...taken, ...ahead.take(Infinity)]).toEqual([1, 2, 3, 7, 7, 7]);
  });
});
