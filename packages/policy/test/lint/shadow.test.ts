import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '@sallyport/config';
import { decide } from '../../src/rules/decide.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { timesAsLong } from '../../../../test/growth-of-time.ts';
import { destination, policyOf, problemsOf } from '../policy-fixture.ts';

type Conditions = Omit<RuleConfig, 'action' | 'name'>;

describe('findShadows', () => {
  it.each<[string, Conditions, Conditions]>([
    ['everything over everything', {}, {}],
    ['everything over names', {}, { hosts: ['a.example'] }],
    ['everything over networks', {}, { networks: ['8.8.8.8/32'] }],
    ['any name over names', { hosts: ['*'] }, { hosts: ['a.example', '*.b.example'] }],
    ['a suffix over what is below it', { hosts: ['*.example'] }, { hosts: ['a.example', '*.b.example', '*.example'] }],
    [
      'a longer list over a shorter',
      { hosts: ['c.example', 'a.example', 'b.example'] },
      { hosts: ['a.example', 'c.example'] },
    ],
    ['a network over its parts', { networks: ['8.0.0.0/8'] }, { networks: ['8.8.8.0/24', '8.8.4.4/32'] }],
    ['hosts and networks over hosts', { hosts: ['a.example'], networks: ['8.8.8.8/32'] }, { hosts: ['a.example'] }],
    [
      'hosts and networks over networks',
      { hosts: ['a.example'], networks: ['8.8.8.8/32'] },
      { networks: ['8.8.8.8/32'] },
    ],
    ['any client over some', { hosts: ['*'] }, { hosts: ['*'], clients: ['private'] }],
    ['a client network over its parts', { clients: ['any'] }, { clients: ['10.0.0.0/8', 'loopback'] }],
    ['touching port ranges over one across', { ports: [range(1, 443), range(444, 500)] }, { ports: [range(400, 450)] }],
    ['a file over names', { hosts_file: 'names.txt' }, { hosts: ['listed.example'] }],
    ['any name over a file', { hosts: ['*'] }, { hosts_file: 'names.txt' }],
    ['any name in a file over names', { hosts_file: 'any.txt' }, { hosts: ['*.example'] }],
    ['names and suffixes over a file', { hosts: ['*.c', 'a', '*.example'] }, { hosts_file: 'names.txt' }],
    ['two listeners over one', { listeners: ['a', 'b'] }, { listeners: ['b'] }],
  ])('sees %s', (_, earlier, later) => {
    expect(shadowsOf(earlier, later)).toHaveLength(1);
  });

  it.each<[string, Conditions, Conditions]>([
    ['names over everything', { hosts: ['*'] }, {}],
    ['networks over everything', { networks: ['any'] }, {}],
    ['any name over a literal', { hosts: ['*'] }, { networks: ['8.8.8.8/32'] }],
    ['any literal over a name', { networks: ['any'] }, { hosts: ['a.example'] }],
    ['hosts over hosts and networks', { hosts: ['a.example'] }, { hosts: ['a.example'], networks: ['8.8.8.8/32'] }],
    ['a suffix over itself as a name', { hosts: ['*.a.example'] }, { hosts: ['a.example'] }],
    ['a name over what is below it', { hosts: ['a.example'] }, { hosts: ['*.a.example'] }],
    ['a shorter list over a longer', { hosts: ['a.example'] }, { hosts: ['a.example', 'b.example'] }],
    ['a file over a name that is not in it', { hosts_file: 'names.txt' }, { hosts: ['a.example'] }],
    ['some names over a file', { hosts: ['a', '*.example'] }, { hosts_file: 'names.txt' }],
    ['some clients over any', { clients: ['private'] }, {}],
    ['all of IPv4 over any client', { clients: ['0.0.0.0/0', '::/1'] }, { clients: ['any'] }],
    ['some ports over more', { ports: [range(443, 443)] }, { ports: [range(443, 444)] }],
    ['one listener over any', { listeners: ['a'] }, {}],
  ])('does not see %s', (_, earlier, later) => {
    expect(shadowsOf(earlier, later)).toEqual([]);
  });

  it('never accuses a rule that decides something', () => {
    const host = fc.constantFrom('a.x', 'b.x', '*.x', '*.a.x', 'c.a.x', '*');
    const conditions = fc.record(
      {
        hosts: fc.array(host, { minLength: 1, maxLength: 3 }),
        networks: fc.array(fc.constantFrom('8.8.8.8/32', '8.8.0.0/16', '1.1.1.1/32', 'any'), {
          minLength: 1,
          maxLength: 2,
        }),
        clients: fc.array(fc.constantFrom('10.0.0.1/32', '10.0.0.0/8', 'any'), { minLength: 1, maxLength: 2 }),
        ports: fc.array(fc.constantFrom(range(443, 443), range(1, 500)), { minLength: 1, maxLength: 2 }),
        listeners: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(conditions, { minLength: 2, maxLength: 6 }), (all) => {
        const rules = all.map((each) => ({ action: 'deny' as const, ...each }));
        const deciding = decidingRules(rules);
        for (const problem of problemsOf(rules)) {
          const accused = /rule (rule-\d+) can never/.exec(problem)?.[1];
          if (accused !== undefined) expect(deciding).not.toContain(accused);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('takes about as long for thousands of rules that all name one host as where each names its own', () => {
    const rulesOf = (hostOf: (at: number) => string): readonly RuleConfig[] =>
      Array.from({ length: 10_000 }, (_, at) => ({
        action: 'allow' as const,
        hosts: [hostOf(at)],
        clients: [`10.${at >> 8}.${at & 255}.0/24`],
      }));
    const [ofOneHost, ofOwnHosts] = [rulesOf(() => '*.example.com'), rulesOf((at) => `*.example-${at}.com`)];
    const lint = (rules: readonly RuleConfig[]) => () => {
      expect(problemsOf(rules)).toEqual([]);
    };
    // To look at all fifty million pairs would take seventy times as long.
    expect(timesAsLong(lint(ofOneHost), lint(ofOwnHosts))).toBeLessThan(15);
  }, 60_000);
});

function shadowsOf(earlier: Conditions, later: Conditions): readonly string[] {
  const problems = problemsOf([
    { action: 'deny', ...earlier },
    { action: 'deny', ...later },
  ]);
  return problems.filter((problem) => problem.includes('can never'));
}

function range(from: number, to: number): { from: number; to: number } {
  return { from, to };
}

/** The rules that decide at least one of all requests worth telling apart. */
function decidingRules(rules: readonly RuleConfig[]): ReadonlySet<string> {
  const policy = policyOf(rules);
  const deciding = new Set<string>();
  for (const host of ['x', 'a.x', 'b.x', 'c.a.x', 'd.a.x', 'e.x', 'y', '8.8.8.8', '8.8.1.1', '1.1.1.1', '9.9.9.9']) {
    for (const client of ['10.0.0.1', '10.0.0.2', '192.0.2.1']) {
      for (const port of [443, 400, 600]) {
        for (const listener of ['a', 'b', 'c']) {
          deciding.add(decide(policy, { client: ip(client), listener, destination: destination(host, port) }).rule);
        }
      }
    }
  }
  return deciding;
}
