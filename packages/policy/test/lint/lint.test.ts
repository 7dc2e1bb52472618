import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '@sallyport/config';
import { compilePolicy } from '../../src/rules/compile.ts';
import { describeProblem, policyConfig, problemsOf } from '../policy-fixture.ts';

describe('lintRules', () => {
  it.each<[string, RuleConfig]>([
    ['clients', { name: 'x', action: 'allow', clients: [] }],
    ['listeners', { name: 'x', action: 'allow', listeners: [] }],
    ['ports', { name: 'x', action: 'allow', ports: [] }],
    ['hosts', { name: 'x', action: 'allow', hosts: [] }],
    ['networks', { name: 'x', action: 'allow', networks: [] }],
    ['hosts', { name: 'x', action: 'allow', hosts: [], networks: [] }],
  ])('warns of an empty list of %s', (list, rule) => {
    expect(problemsOf([rule])).toEqual([
      `warning policy.rules.0.${list}: rule x can never match: its list of ${list} is empty; ` +
        `fill it, or leave ${list} out to match any`,
    ]);
  });

  it('does not warn of an empty list of hosts beside networks', () => {
    expect(problemsOf([{ action: 'allow', hosts: [], networks: ['8.8.8.8/32'] }])).toEqual([]);
  });

  it('warns of a rule whose groups are all empty, and of no other', () => {
    const groups = new Map([
      ['none', []],
      ['void', []],
      ['some', ['example.com']],
    ]);
    const told = (hosts: readonly string[], rest: Partial<RuleConfig> = {}): readonly string[] =>
      compilePolicy(policyConfig([{ name: 'x', action: 'allow', hosts, ...rest }]), undefined, { groups }).problems.map(
        describeProblem,
      );
    expect(told(['@none', '@void'])).toEqual([
      'warning policy.rules.0.hosts: rule x can never match: its list of hosts names only empty groups; ' +
        'fill one, or leave hosts out to match any',
    ]);
    expect(told(['@none', '@some'])).toEqual([]);
    expect(told(['@none', 'example.com'])).toEqual([]);
    expect(told(['@none'], { networks: ['8.8.8.8/32'] })).toEqual([]);
  });

  it('names the rule that is in the way, and the one that never gets its turn', () => {
    const rules: RuleConfig[] = [
      { name: 'all', action: 'deny', hosts: ['*'] },
      { name: 'late', action: 'allow', hosts: ['example.com'] },
    ];
    expect(problemsOf(rules)).toEqual([
      'warning policy.rules.1: rule late can never match: rule all before it matches all that it does; move it up or remove it',
    ]);
  });

  it('says where what is denied has been allowed before', () => {
    const rules: RuleConfig[] = [
      { name: 'example', action: 'allow', hosts: ['*.example.com'] },
      { name: 'no-ads', action: 'deny', hosts: ['ads.example.com'] },
    ];
    expect(problemsOf(rules)).toEqual([
      'warning policy.rules.1: rule no-ads can never match: rule example before it matches all that it does, ' +
        'and allows it; move it up or remove it',
    ]);
  });

  it('warns of an allowed network that destinations refuses, unless there is an exception for some of it', () => {
    const rules: RuleConfig[] = [{ action: 'allow', networks: ['8.8.8.8/32', '10.0.0.0/8'] }];
    expect(problemsOf(rules)).toEqual([
      'warning policy.rules.0.networks.1: the rule allows 10.0.0.0/8, and policy.destinations refuses it all the same; ' +
        'list what is to be reached in policy.destinations.allow',
    ]);
    expect(problemsOf(rules, { destinations: { deny: ['special'], allow: ['10.20.0.0/16'] } })).toEqual([]);
    expect(problemsOf([{ action: 'deny', networks: ['10.0.0.0/8'] }])).toEqual([]);
  });

  it('warns of the NAT64 form of what destinations refuses, for it is judged by the address inside too', () => {
    const rules: RuleConfig[] = [{ action: 'allow', networks: ['64:ff9b::a00:0/104', '64:ff9b::808:808/128'] }];
    const exception = '64:ff9b::a00:0/104';
    expect(problemsOf(rules)).toEqual([
      'warning policy.rules.0.networks.0: the rule allows 64:ff9b::a00:0/104, the NAT64 form of 10.0.0.0/8, and ' +
        'policy.destinations refuses it all the same; list what is to be reached in policy.destinations.allow',
    ]);
    expect(problemsOf([], { destinations: { deny: ['special'], allow: [exception] } })).toEqual([
      'warning policy.destinations.allow.0: 64:ff9b::a00:0/104, the NAT64 form of 10.0.0.0/8, is refused as that all the same; ' +
        'list 10.0.0.0/8 too',
    ]);
    expect(problemsOf(rules, { destinations: { deny: ['special'], allow: [exception, '10.1.0.0/16'] } })).toEqual([]);
    expect(problemsOf([{ action: 'deny', networks: ['64:ff9b::a00:0/104'] }])).toEqual([]);
  });

  it.each([
    ['policy.rules.0.clients.0', [{ action: 'deny', clients: ['0.0.0.0/0'] }], {}],
    ['policy.rules.0.networks.1', [{ action: 'deny', networks: ['10.0.0.0/8', '0.0.0.0/0'] }], {}],
    ['policy.destinations.deny.0', [], { destinations: { deny: ['0.0.0.0/0'], allow: [] } }],
    ['policy.destinations.allow.0', [], { destinations: { deny: [], allow: ['0.0.0.0/0'] } }],
  ] as const)('warns at %s that 0.0.0.0/0 leaves IPv6 out', (path, rules, rest) => {
    expect(problemsOf(rules, rest)).toEqual([
      `warning ${path}: 0.0.0.0/0 is all of IPv4 and nothing of IPv6; write any if IPv6 is meant too`,
    ]);
  });

  it('takes 0.0.0.0/0 beside ::/0 for what it says', () => {
    expect(problemsOf([{ action: 'deny', clients: ['0.0.0.0/0', '::/0'] }])).toEqual([]);
  });

  it('warns of a file without a name in it, unless the rule has others or networks', () => {
    const empty = { name: 'x', action: 'allow', hosts_file: 'empty.txt' } as const;
    expect(problemsOf([empty])).toEqual([
      'warning policy.rules.0.hosts_file: rule x can never match: its list of hosts_file is empty; ' +
        'fill it, or leave hosts_file out to match any',
    ]);
    expect(problemsOf([{ ...empty, hosts: ['a.example'] }])).toEqual([]);
    expect(problemsOf([{ ...empty, networks: ['8.8.8.8/32'] }])).toEqual([]);
  });
});
