import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyConfig, RuleConfig } from '@sallyport/config';
import { compilePolicy } from '../../src/rules/compile.ts';
import { decide } from '../../src/rules/decide.ts';
import type { PolicyRequest } from '../../src/rules/policy.ts';
import { explain, type Explanation } from '../../src/explain/explain.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { anyRequest, anyRule } from '../arbitraries.ts';
import { destination, policyConfig, readHostsFile } from '../policy-fixture.ts';

function explainOn(
  rules: readonly RuleConfig[],
  host: string,
  { client = '10.0.0.9', listener = 'explicit', port = 443, user = undefined as string | undefined } = {},
  rest: Partial<PolicyConfig> = {},
): Explanation {
  const config = policyConfig(rules, rest);
  const request = { client: ip(client), listener, destination: destination(host, port), user };
  return explain(compilePolicy(config, readHostsFile).policy, config, request);
}

describe('explain', () => {
  it.each<[string, Omit<RuleConfig, 'action'>, string, string]>([
    ['names', { hosts: ['b.example'] }, 'a.example', 'hosts: a.example is not listed'],
    ['a file', { hosts_file: 'names.txt' }, 'a.example', 'hosts_file: a.example is not listed'],
    [
      'both',
      { hosts: ['b.example'], hosts_file: 'names.txt' },
      'a.example',
      'hosts, hosts_file: a.example is not listed',
    ],
    ['networks', { networks: ['8.8.8.8/32'] }, 'a.example', 'networks: a.example is a name, which only hosts match'],
    ['names', { hosts: ['*'] }, '8.8.8.8', 'hosts: 8.8.8.8 is an IP address, which only networks match'],
    ['networks', { networks: ['8.8.8.8/32'] }, '1.1.1.1', 'networks: 1.1.1.1 is not in 8.8.8.8/32'],
    ['ports', { ports: [range(80, 80), range(8000, 8999)] }, 'a.example', 'ports: 443 is not 80 or 8000-8999'],
    ['listeners', { listeners: ['transparent'] }, 'a.example', 'listeners: explicit is not transparent'],
    ['users', { users: ['ci', 'ops'] }, 'a.example', 'users: the client is not known to be ci or ops'],
    ['clients', { clients: ['loopback'] }, 'a.example', 'clients: 10.0.0.9 is not in loopback'],
    ['an empty list', { clients: [] }, 'a.example', 'clients: 10.0.0.9 is not in anything (the list is empty)'],
    [
      'a long list',
      { clients: ['1.0.0.0/8', '2.0.0.0/8', '3.0.0.0/8', '4.0.0.0/8', '5.0.0.0/8', '6.0.0.0/8'] },
      'a.example',
      'clients: 10.0.0.9 is not in 1.0.0.0/8 or 2.0.0.0/8 or 3.0.0.0/8 or 4.0.0.0/8, or 2 more',
    ],
  ])('says what kept a rule with %s from matching: %j, %s: %s', (_, rule, host, unmet) => {
    const { passedOver, decision } = explainOn([{ name: 'first', action: 'allow', ...rule }], host);
    expect(passedOver).toEqual([{ rule: 'first', kind: 'unmet', unmet }]);
    expect(decision).toEqual({ decision: 'deny', rule: 'default' });
  });

  it('names the user who is not the one', () => {
    const { passedOver } = explainOn([{ action: 'allow', users: ['ci'] }], 'a.example', { user: 'bob' });
    expect(passedOver).toEqual([{ rule: 'rule-1', kind: 'unmet', unmet: 'users: bob is not ci' }]);
  });

  it('says how the deciding rule is met, key by key, in the words of the configuration', () => {
    const rule: RuleConfig = {
      action: 'allow',
      clients: ['loopback', 'private'],
      users: ['ci'],
      listeners: ['explicit'],
      hosts: ['x.example', '*.B.example.'],
      ports: [range(1, 99), range(400, 499)],
    };
    expect(explainOn([rule], 'a.b.example', { user: 'ci' }).met).toEqual([
      'hosts: a.b.example matches *.B.example.',
      'ports: 443 matches 400-499',
      'listeners: explicit is listed',
      'users: ci is listed',
      'clients: 10.0.0.9 is in private',
    ]);
  });

  it.each<[string, Omit<RuleConfig, 'action'>, readonly string[]]>([
    [
      'listed.example',
      { hosts: ['a.example'], hosts_file: 'names.txt' },
      ['hosts_file: names.txt lists listed.example'],
    ],
    ['8.8.8.8', { networks: ['1.1.1.1/32', '8.0.0.0/8'] }, ['networks: 8.8.8.8 is in 8.0.0.0/8']],
    ['[64:ff9b::808:808]', { networks: ['8.0.0.0/8'] }, ['networks: 64:ff9b::808:808 is in 8.0.0.0/8']],
    ['a.example', {}, []],
  ])('says by what %s is meant', (host, rule, met) => {
    expect(explainOn([{ action: 'allow', ...rule }], host).met).toEqual(met);
  });

  it('says nothing of the rules behind the one that decides', () => {
    const { decision, passedOver } = explainOn([{ name: 'all', action: 'deny' }, { action: 'allow' }], 'a.example');
    expect(decision.rule).toBe('all');
    expect(passedOver).toEqual([]);
  });

  it('reports what report_only lets pass', () => {
    const { decision } = explainOn([{ name: 'all', action: 'deny' }], 'a.example', {}, { report_only: true });
    expect(decision).toEqual({ decision: 'report', rule: 'all', wouldDeny: 'all' });
  });

  it('decides as decide does, and passes over just the rules that decide nothing by themselves', () => {
    fc.assert(
      fc.property(
        fc.array(anyRule(), { maxLength: 8 }),
        fc.array(anyRequest(), { minLength: 5 }),
        fc.boolean(),
        (rules, requests, isReportOnly) => {
          const config = policyConfig(rules, { report_only: isReportOnly });
          const { policy } = compilePolicy(config, readHostsFile);
          for (const request of requests) {
            const { decision, passedOver } = explain(policy, config, request);
            expect(decision).toEqual(decide(policy, request));
            expect(passedOver.map(({ rule }) => rule)).toEqual(namesBefore(decision.rule, rules.length));
            for (const [number] of passedOver.entries())
              expect(decidesAlone(rules.slice(number, number + 1), request)).toBe(false);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** All the names before that of the deciding rule; they are `rule-1` and so on. */
function namesBefore(decider: string, count: number): readonly string[] {
  const names = Array.from({ length: count }, (_, number) => `rule-${number + 1}`);
  return decider === 'default' ? names : names.slice(0, names.indexOf(decider));
}

function decidesAlone(rules: readonly RuleConfig[], request: PolicyRequest): boolean {
  return decide(compilePolicy(policyConfig(rules), readHostsFile).policy, request).rule !== 'default';
}

function range(from: number, to: number): { from: number; to: number } {
  return { from, to };
}
