import { describe, expect, it } from 'vitest';
import { acceptsJson } from '../../src/refusal/accepts-json.ts';
import { growthOfTime, LINEAR } from '../../../../test/growth-of-time.ts';

describe('acceptsJson', () => {
  it.each([
    ['application/json', true],
    ['application/problem+json', true],
    ['Application/JSON; charset=utf-8', true],
    ['application/json, text/plain, */*', true],
    ['application/*', true],
    ['text/html, application/json;q=0.9, */*;q=0.8', true],
    ['text/plain;q=0.5, application/problem+json;q=0.8', true],
    ['application/json;q=0.1', true],
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', false],
    ['text/plain, application/json;q=0.5', false],
    ['application/json;q=0', false],
    ['application/json;q=0.0, */*', false],
    ['application/json;q=2', false],
    ['application/json;q=', false],
    ['application/*;q=1, application/problem+json;q=0, application/json;q=0', false],
    ['application/jsonx', false],
  ])('%s: %s', (accept, isJson) => {
    expect(acceptsJson(accept)).toBe(isJson);
  });

  // A search that goes back and forth would take seconds.
  it.each([',', ';', ';q=', 'application/json;q=0,', 'a/b;q=1;q=1,'])(
    'takes linear time over 64 KiB of "%s"',
    (piece) => {
      const read = (length: number) => acceptsJson(piece.repeat(length / piece.length));
      expect(growthOfTime(read, 64 * 1024)).toBeLessThan(LINEAR);
    },
  );
});
