import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '@sallyport/config';
import { judgeAddress } from '../../src/address-rules/permit.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { compilePolicyInSteps } from '../../src/rules/compile.ts';
import { policyConfig, policyOf, problemsOf } from '../policy-fixture.ts';

describe('compilePolicy', () => {
  it('finds nothing to say of a sound policy', () => {
    const problems = problemsOf([
      {
        name: 'registries',
        action: 'allow',
        hosts: ['registry.example.com', '*.packages.example.net'],
        ports: [{ from: 443, to: 443 }],
      },
      { name: 'partner', action: 'allow', networks: ['8.8.8.0/24'] },
      { action: 'deny', clients: ['private'] },
    ]);
    expect(problems).toEqual([]);
  });

  it('tells of every malformed pattern at its place', () => {
    const problems = problemsOf([
      { action: 'allow', hosts: ['example.com', 'a.*.com'] },
      { action: 'deny', hosts: ['192.0.2.1', 'bücher.example'] },
    ]);
    expect(problems).toEqual([
      'error policy.rules.0.hosts.1: "a.*.com" has a * where none may be; write a name, *.suffix, or * alone',
      'error policy.rules.1.hosts.0: "192.0.2.1" is an IP address or network; list it in networks',
      'error policy.rules.1.hosts.1: "bücher.example" is not in ASCII; write xn--bcher-kva.example',
    ]);
  });

  it('refuses a name given twice, also where a rule without a name would get it', () => {
    const problems = problemsOf([
      { name: 'a', action: 'allow', hosts: ['a.example'] },
      { name: 'a', action: 'allow', hosts: ['b.example'] },
      { name: 'rule-4', action: 'allow', hosts: ['c.example'] },
      { action: 'allow', hosts: ['d.example'] },
    ]);
    expect(problems).toEqual([
      'error policy.rules.1.name: "a" is the name of rule 1 already; give each rule a name of its own',
      'error policy.rules.3: "rule-4" is the name of rule 3 already; give each rule a name of its own',
    ]);
  });

  it('warns of a rule that calls itself default', () => {
    expect(problemsOf([{ name: 'default', action: 'deny' }])).toEqual([
      'warning policy.rules.0.name: a rule named default cannot be told from the default in log and metrics; ' +
        'give it another name',
    ]);
  });

  it('compiles destinations along with the rules', () => {
    const { destinations } = policyOf([], { destinations: { deny: ['special'], allow: ['10.20.0.0/16'] } });
    expect(judgeAddress(ip('10.20.0.1'), destinations).kind).toBe('permitted');
    expect(judgeAddress(ip('10.21.0.1'), destinations).kind).toBe('refused');
  });
});

describe('compilePolicyInSteps', () => {
  const LINES = 100_000;

  it.each<[string, (number: number) => string]>([
    ['names', (number) => `host-${number}.example\n`],
    ['names, each of them twice', (number) => `host-${number >> 1}.example\n`],
    ['comments', () => '# a comment\n'],
    ['comments of an ad blocker', () => '! a comment\n'],
    ['names that a hosts file has for the machine', () => '127.0.0.1 localhost\n'],
    ['lines that are no names', (number) => `host..${number}\n`],
  ])('pauses often, whatever a list consists of: %s', (_, line) => {
    const text = Array.from({ length: LINES }, (__, number) => line(number)).join('');
    const config = policyConfig([
      { action: 'deny', hosts_file: 'list' },
      { action: 'allow', hosts_file: 'list' },
    ]);
    const steps = [...compilePolicyInSteps(config, (path) => ({ kind: 'ok', path, text }))];
    expect(steps.length).toBeGreaterThan((2 * LINES) / 500);
  });

  it('pauses often while rules are compared', () => {
    const rules = Array.from({ length: 1_000 }, (_, number): RuleConfig => {
      const ports = [{ from: number + 1, to: number + 1 }];
      return { name: `rule ${number}`, action: 'deny', hosts: ['*.same.example'], ports };
    });
    const steps = [...compilePolicyInSteps(policyConfig(rules))];
    // Each with all before it: once for the rules, and once for their patterns.
    const comparisons = 2 * ((1_000 * 999) / 2);
    expect(steps.length).toBeGreaterThan(comparisons / 300);
  });
});
