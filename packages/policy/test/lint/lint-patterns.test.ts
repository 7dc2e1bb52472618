import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '@sallyport/config';
import { problemsOf } from '../policy-fixture.ts';

describe('lintPatterns', () => {
  it.each([
    [['a.example', 'A.example.'], 1, '"A.example." makes no difference: the rule lists it already; remove it'],
    [
      ['a.example', '*.example'],
      0,
      '"a.example" makes no difference: *.example in the same rule matches all that it does; remove it',
    ],
    [
      ['*.b.example', '*.example'],
      0,
      '"*.b.example" makes no difference: *.example in the same rule matches all that it does; remove it',
    ],
    [['*.example', '*'], 0, '"*.example" makes no difference: * in the same rule matches all that it does; remove it'],
  ])('warns of one in %j that another makes needless', (hosts, at, message) => {
    expect(problemsOf([{ action: 'allow', hosts }])).toEqual([`warning policy.rules.0.hosts.${at}: ${message}`]);
  });

  it('warns of one that an earlier rule decides, where the rest of the rule still has its turn', () => {
    const rules: RuleConfig[] = [
      { name: 'early', action: 'allow', hosts: ['*.example'] },
      { name: 'late', action: 'deny', hosts: ['ads.example', 'ads.test'], ports: [{ from: 443, to: 443 }] },
    ];
    expect(problemsOf(rules)).toEqual([
      'warning policy.rules.1.hosts.0: "ads.example" makes no difference: rule early before it matches all that it does; ' +
        'remove it',
    ]);
  });

  it.each<[string, readonly RuleConfig[]]>([
    ['a name beside what is below it', [{ action: 'allow', hosts: ['a.example', '*.a.example'] }]],
    [
      'an exception in front of a suffix',
      [
        { action: 'deny', hosts: ['a.example'] },
        { action: 'allow', hosts: ['*.example'] },
      ],
    ],
    [
      'one that an earlier rule decides for some clients',
      [
        { action: 'deny', hosts: ['*.example'], clients: ['private'] },
        { action: 'allow', hosts: ['a.example', 'b.test'] },
      ],
    ],
    ['names in a file', [{ action: 'allow', hosts_file: 'suffixes.txt', hosts: ['a.below.example'] }]],
  ])('is silent about %s', (_, rules) => {
    expect(problemsOf(rules)).toEqual([]);
  });

  it('says nothing more of a rule that never matches', () => {
    const rules: RuleConfig[] = [
      { name: 'all', action: 'deny', hosts: ['*'] },
      { name: 'late', action: 'allow', hosts: ['a.example', 'b.example'] },
    ];
    expect(problemsOf(rules).filter((problem) => problem.includes('makes no difference'))).toEqual([]);
  });

  it('tells of a hundred patterns at most', () => {
    const hosts = ['*', ...Array.from({ length: 1_000 }, (_, at) => `host-${at}.example`)];
    expect(problemsOf([{ action: 'allow', hosts }])).toHaveLength(100);
  });
});
