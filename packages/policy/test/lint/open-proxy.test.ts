import { describe, expect, it } from 'vitest';
import type { PolicyConfig, RuleConfig } from '@sallyport/config';
import { compilePolicy } from '../../src/rules/compile.ts';
import { lintOpenProxy } from '../../src/lint/open-proxy.ts';
import { describeProblem, policyConfig, readHostsFile } from '../policy-fixture.ts';

const ANYONE: RuleConfig = { action: 'allow' };

describe('lintOpenProxy', () => {
  it('names listener, address and remedy', () => {
    expect(warnings([ANYONE])).toEqual([
      'warning listeners.0: listener explicit on 0.0.0.0 takes any client to any destination without credentials; ' +
        'name clients or destinations in policy.rules, or bind it to 127.0.0.1',
    ]);
  });

  it.each<[string, readonly RuleConfig[], Partial<PolicyConfig>]>([
    ['a rule allows everything', [ANYONE], {}],
    ['a rule allows every port that matters', [{ action: 'allow', ports: [{ from: 443, to: 443 }] }], {}],
    ['the default allows everything', [], { default: 'allow' }],
    ['a rule allows any name', [{ action: 'allow', hosts: ['*'] }], {}],
    ['a file allows any name', [{ action: 'allow', hosts_file: 'any.txt' }], {}],
    ['a rule allows any address', [{ action: 'allow', networks: ['any'] }], {}],
    ['all of IPv4 is any client', [{ action: 'allow', clients: ['0.0.0.0/0'] }], {}],
    ['nothing is denied but some ports', [{ action: 'deny', ports: [{ from: 25, to: 25 }] }], { default: 'allow' }],
    ['only the names in a file are denied', [{ action: 'deny', hosts_file: 'names.txt' }], { default: 'allow' }],
    ['only names are denied before', [{ action: 'deny', hosts: ['*'] }, ANYONE], {}],
    ['only clients of IPv6 are denied before', [{ action: 'deny', clients: ['::/0'] }, ANYONE], {}],
    ['report_only denies nothing', [{ action: 'deny' }], { report_only: true }],
    ['the rule is for this listener', [{ action: 'allow', listeners: ['explicit'] }], {}],
  ])('warns where %s', (_, rules, rest) => {
    expect(warnings(rules, rest)).toHaveLength(1);
  });

  it.each<[string, readonly RuleConfig[], Partial<PolicyConfig>]>([
    ['clients are named', [{ action: 'allow', clients: ['private', 'loopback'] }], {}],
    ['hosts are named', [{ action: 'allow', hosts: ['example.com', '*.example.org'] }], {}],
    ['a file names hosts', [{ action: 'allow', hosts_file: 'names.txt' }], {}],
    ['networks are named', [{ action: 'allow', networks: ['8.8.8.0/24'] }], {}],
    ['nothing is allowed', [], {}],
    ['only hosts and networks are named', [{ action: 'allow', hosts: ['a.example'], networks: ['8.8.8.8/32'] }], {}],
    ['a rule before denies everything', [{ action: 'deny' }, ANYONE], {}],
    ['a rule denies what the default would allow', [{ action: 'deny', clients: ['any'] }], { default: 'allow' }],
    ['all clients of IPv4 are denied before', [{ action: 'deny', clients: ['0.0.0.0/0'] }, ANYONE], {}],
    ['only clients of IPv6 are allowed', [{ action: 'allow', clients: ['::/0'] }], {}],
    ['the rule is for another listener', [{ action: 'allow', listeners: ['transparent'] }], {}],
  ])('is silent where %s', (_, rules, rest) => {
    expect(warnings(rules, rest)).toEqual([]);
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1'])('is silent about a listener on %s', (host) => {
    expect(warnings([ANYONE], {}, { bind: [{ host, port: 3128 }] })).toEqual([]);
  });

  const OF_IPV4: RuleConfig = { action: 'allow', clients: ['0.0.0.0/0'] };
  const OF_IPV6: RuleConfig = { action: 'allow', clients: ['::/0'] };
  const everyIpv4 = { host: '0.0.0.0', port: 3128 };
  const everyIpv6 = { host: '::', port: 3128 };
  const ofSystemd = { systemd: 'door' };
  it.each([
    { rule: OF_IPV4, bind: [everyIpv6], is: 'silent' },
    { rule: OF_IPV4, bind: [everyIpv6], dual_stack: true, is: 'on ::' },
    { rule: OF_IPV4, bind: [everyIpv6], proxy_protocol: ['10.0.0.0/8'], is: 'on ::' },
    { rule: OF_IPV4, bind: [everyIpv6, everyIpv4], is: 'on 0.0.0.0' },
    { rule: OF_IPV4, bind: [ofSystemd], is: 'on systemd:door' },
    { rule: OF_IPV6, bind: [everyIpv6], is: 'on ::' },
    { rule: OF_IPV6, bind: [everyIpv6], dual_stack: true, is: 'on ::' },
    { rule: OF_IPV6, bind: [{ host: '203.0.113.7', port: 3128 }], is: 'silent' },
    { rule: OF_IPV6, bind: [{ host: '203.0.113.7', port: 3128 }], dual_stack: true, is: 'silent' },
    { rule: OF_IPV6, bind: [everyIpv4, { host: '2001:db8::7', port: 3128 }], is: 'on 2001:db8::7' },
    { rule: OF_IPV6, bind: [everyIpv4, { host: '::1', port: 3128 }], is: 'silent' },
    { rule: OF_IPV6, bind: [ofSystemd], is: 'on systemd:door' },
  ])('looks at the clients that can come: $rule.clients, $bind, $dual_stack: $is', ({ rule, is, ...listener }) => {
    const [warning = 'silent'] = warnings([rule], {}, listener);
    expect(warning).toContain(is);
  });

  it('warns when only one of several addresses is not loopback', () => {
    const bind = [
      { host: '127.0.0.1', port: 3128 },
      { host: '::', port: 3128 },
    ];
    expect(warnings([ANYONE], {}, { bind })[0]).toContain('listener explicit on :: takes');
  });

  it('is silent about a listener that asks for credentials', () => {
    expect(warnings([ANYONE], {}, { auth: {} })).toEqual([]);
  });
});

function warnings(
  rules: readonly RuleConfig[],
  rest: Partial<PolicyConfig> = {},
  listener: object = {},
): readonly string[] {
  const explicit = { name: 'explicit', bind: [{ host: '0.0.0.0', port: 3128 }], ...listener };
  const policy = policyConfig(rules, rest);
  return lintOpenProxy({ listeners: [explicit], policy }, compilePolicy(policy, readHostsFile).policy).map(
    describeProblem,
  );
}
