import { expect, it } from 'vitest';
import { deepFreeze } from '../src/freeze.ts';

it('freezes all the way down', () => {
  const value = { list: [{ inner: [1] }], nothing: null, text: 'x' };
  deepFreeze(value);
  expect([value, value.list, value.list[0], value.list[0]?.inner].every(Object.isFrozen)).toBe(true);
});
