import { describe, expect, it } from 'vitest';
import { section } from '../../src/schema/fields.ts';

describe('section', () => {
  const issuesOf = (count: number) => {
    const keys = Object.fromEntries(Array.from({ length: count }, (_, number) => [`k${number}`, 1]));
    return section({}).safeParse(keys).error?.issues;
  };

  it('tells each unknown key of sixty thousand', () => {
    const issues = issuesOf(60_000);
    expect(issues).toHaveLength(60_000);
    expect(issues?.[0]).toMatchObject({ path: ['k0'], message: 'unknown key "k0"' });
  });

  it('tells that there are more', () => {
    expect(issuesOf(60_001)?.map(({ message }) => message)).toEqual([
      'more values are wrong than can be told; is it the right file?',
    ]);
  });
});
