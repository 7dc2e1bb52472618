import { describe, expect, it } from 'vitest';
import { didYouMean, hintAtNames, suggest } from '../src/suggest.ts';

const keys = ['listeners', 'policy', 'dns', 'timeouts', 'limits', 'half_close', 'tunnels', 'tunnels_per_client'];

describe('suggest', () => {
  it.each([
    ['listner', 'listeners'],
    ['polciy', 'policy'],
    ['timeout', 'timeouts'],
    ['halfClose', 'half_close'],
    ['DNS', 'dns'],
    ['tunnel', 'tunnels'],
    ['lisen', 'listeners'],
    ['tunnels_per_clients', 'tunnels_per_client'],
  ])('takes %s for %s', (word, meant) => {
    expect(suggest(word, keys)).toBe(meant);
  });

  it.each(['', 'x', 'ab', 'verify_sni', 'intercept', 'a'.repeat(100_000)])(
    'has no idea what %.20s may mean',
    (word) => {
      expect(suggest(word, keys)).toBeUndefined();
    },
  );

  it('does not choose between two that begin alike', () => {
    expect(suggest('tunxxxxxxxxx', keys)).toBeUndefined();
  });
});

describe('didYouMean', () => {
  it('is the tail of a message, or nothing', () => {
    expect([didYouMean('polcy', keys), didYouMean('zzzz', keys)]).toEqual(['; did you mean "policy"?', '']);
  });
});

describe('hintAtNames', () => {
  it('suggests the closest name, or lists them, up to a limit', () => {
    expect(hintAtNames('polcy', keys)).toBe('; did you mean "policy"?');
    expect(hintAtNames('zzzz', ['a', 'b'])).toBe('; there are a, b');
    expect(hintAtNames('zzzz', [])).toBe('');
    const many = Array.from({ length: 22 }, (_, at) => `n${at}`);
    expect(hintAtNames('zzzz', many)).toMatch(/^; there are n0, .*, n19 and 2 more$/);
  });
});
