import { describe, expect, it } from 'vitest';
import { section } from '../../src/schema/fields.ts';

describe('section', () => {
  it('tells each unknown key, however many there are', () => {
    const count = 200_000;
    const keys = Object.fromEntries(Array.from({ length: count }, (_, number) => [`k${number}`, 1]));
    const { error } = section({}).safeParse(keys);
    expect(error?.issues).toHaveLength(count);
    expect(error?.issues[0]).toMatchObject({ path: ['k0'], message: 'unknown key "k0"' });
  });
});
