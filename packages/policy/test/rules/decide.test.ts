import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileNetworks, type Ip } from '@sallyport/addresses';
import type { PolicyConfig, RuleConfig } from '@sallyport/config';
import type { Destination } from '../../src/destination.ts';
import { compilePolicy } from '../../src/rules/compile.ts';
import { decide } from '../../src/rules/decide.ts';
import type { PolicyRequest } from '../../src/rules/policy.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { timesAsLong } from '../../../../test/growth-of-time.ts';
import { anyRequest, anyRule } from '../arbitraries.ts';
import { decideOn, destination, HOSTS_FILES, policyConfig, policyOf } from '../policy-fixture.ts';

describe('decide', () => {
  it('follows the first rule that matches', () => {
    const policy = policyOf([
      { name: 'no-ads', action: 'deny', hosts: ['ads.example.com'] },
      { name: 'example', action: 'allow', hosts: ['*.example.com'] },
      { name: 'nothing-else', action: 'deny' },
    ]);
    expect(decideOn(policy, 'ads.example.com')).toEqual({ decision: 'deny', rule: 'no-ads' });
    expect(decideOn(policy, 'www.example.com')).toEqual({ decision: 'allow', rule: 'example' });
    expect(decideOn(policy, 'example.org')).toEqual({ decision: 'deny', rule: 'nothing-else' });
  });

  it('follows the default when no rule matches', () => {
    expect(decideOn(policyOf([]), 'example.com')).toEqual({ decision: 'deny', rule: 'default' });
    expect(decideOn(policyOf([], { default: 'allow' }), 'example.com')).toEqual({ decision: 'allow', rule: 'default' });
  });

  it('numbers the rules without a name from 1', () => {
    const policy = policyOf([
      { name: 'first', action: 'deny', ports: [{ from: 25, to: 25 }] },
      { action: 'allow', hosts: ['example.com'] },
    ]);
    expect(decideOn(policy, 'example.com').rule).toBe('rule-2');
  });

  it('under report_only reports what would be denied, by rule or default, and allows as ever', () => {
    const rules: RuleConfig[] = [
      { name: 'no-ads', action: 'deny', hosts: ['ads.example.com'] },
      { name: 'example', action: 'allow', hosts: ['*.example.com'] },
    ];
    const policy = policyOf(rules, { report_only: true });
    expect(decideOn(policy, 'ads.example.com')).toEqual({ decision: 'report', rule: 'no-ads', wouldDeny: 'no-ads' });
    expect(decideOn(policy, 'www.example.com')).toEqual({ decision: 'allow', rule: 'example' });
    expect(decideOn(policy, 'example.org')).toEqual({ decision: 'report', rule: 'default', wouldDeny: 'default' });
  });

  describe('with rules under report_only', () => {
    const policy = policyOf([
      { name: 'trial', action: 'deny', hosts: ['*.example.com'], report_only: true },
      { name: 'later trial', action: 'deny', hosts: ['www.example.com'], report_only: true },
      { name: 'no-ads', action: 'deny', hosts: ['ads.example.com'] },
      { name: 'web', action: 'allow', hosts: ['www.example.com'] },
      { name: 'trial behind', action: 'deny', report_only: true, hosts: ['www.example.com'] },
    ]);

    it.each([
      ['www.example.com', { decision: 'report', rule: 'web', wouldDeny: 'trial', ruled: 'allow' }],
      ['ads.example.com', { decision: 'deny', rule: 'no-ads', wouldDeny: 'trial' }],
      ['api.example.com', { decision: 'deny', rule: 'default', wouldDeny: 'trial' }],
      ['example.com', { decision: 'deny', rule: 'default' }],
    ])('notes the first that would have denied %s, and goes on', (host, decision) => {
      expect(decideOn(policy, host)).toEqual(decision);
    });

    it('makes a decision once', () => {
      expect(decideOn(policy, 'www.example.com')).toBe(decideOn(policy, 'www.example.com'));
    });
  });

  it('denies nothing at a listener under report_only, and as ever at others', () => {
    const config = policyConfig([{ name: 'no-ads', action: 'deny', hosts: ['ads.example.com'] }]);
    const listeners = [
      { name: 'explicit', report_only: true },
      { name: 'transparent', report_only: false },
    ];
    const { policy } = compilePolicy(config, undefined, { listeners });
    const reported = { decision: 'report', rule: 'no-ads', wouldDeny: 'no-ads' };
    expect(decideOn(policy, 'ads.example.com')).toEqual(reported);
    expect(decideOn(policy, 'ads.example.com', { listener: 'transparent' })).toEqual({
      decision: 'deny',
      rule: 'no-ads',
    });
  });

  it.each([
    ['example.com', 'example.com', true],
    ['Example.COM.', 'EXAMPLE.com', true],
    ['example.com', 'www.example.com', false],
    ['*.example.com', 'www.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'notexample.com', false],
    ['*.com', 'example.com', true],
    ['*.com', 'com', false],
    ['*', 'example.com', true],
    ['*', 'localhost', true],
    ['*', '192.0.2.1', false],
    ['*', '[2606:4700::1]', false],
    ['localhost', 'localhost', true],
    ['xn--bcher-kva.example', 'XN--BCHER-KVA.example.', true],
  ])('hosts: [%s] matches %s: %s', (pattern, host, isMatch) => {
    const policy = policyOf([{ action: 'allow', hosts: [pattern] }]);
    expect(decideOn(policy, host).decision).toBe(isMatch ? 'allow' : 'deny');
  });

  it.each([
    ['8.8.8.0/24', '8.8.8.8', true],
    ['8.8.8.0/24', '8.8.9.8', false],
    ['8.8.8.0/24', 'dns.example', false],
    ['8.8.8.0/24', '[::ffff:8.8.8.8]', true],
    ['8.8.8.0/24', '[64:ff9b::8.8.8.8]', true],
    ['any', '192.0.2.1', true],
    ['any', '[2606:4700::1]', true],
    ['any', 'example.com', false],
    ['0.0.0.0/0', '[2606:4700::1]', false],
    ['special', '[64:ff9b::10.0.0.5]', true],
    ['special', '8.8.8.8', false],
  ])('networks: [%s] matches %s: %s', (network, host, isMatch) => {
    const policy = policyOf([{ action: 'allow', networks: [network] }]);
    expect(decideOn(policy, host).decision).toBe(isMatch ? 'allow' : 'deny');
  });

  it.each([
    ['[2606:4700::5efe:8.8.8.8]', 'ISATAP, which anyone can make up'],
    ['[2002:808:808::1]', '6to4'],
    ['[64:ff9b:1::8.8.8.8]', 'local-use NAT64'],
  ])('denies %s for the IPv4 address inside, and does not allow it for that (%s)', (host) => {
    const deny = policyOf([{ action: 'deny', networks: ['8.8.8.0/24'] }], { default: 'allow' });
    expect(decideOn(deny, host)).toEqual({ decision: 'deny', rule: 'rule-1' });
    const allow = policyOf([{ action: 'allow', networks: ['8.8.8.0/24'] }]);
    expect(decideOn(allow, host)).toEqual({ decision: 'deny', rule: 'default' });
  });

  it('matches names and literals with a rule that has neither hosts nor networks', () => {
    const policy = policyOf([{ action: 'allow' }]);
    expect(decideOn(policy, 'example.com').decision).toBe('allow');
    expect(decideOn(policy, '8.8.8.8').decision).toBe('allow');
  });

  it('matches a name by hosts or a literal by networks with a rule that has both', () => {
    const policy = policyOf([{ action: 'allow', hosts: ['example.com'], networks: ['8.8.8.8/32'] }]);
    expect(decideOn(policy, 'example.com').decision).toBe('allow');
    expect(decideOn(policy, '8.8.8.8').decision).toBe('allow');
    expect(decideOn(policy, 'example.org').decision).toBe('deny');
    expect(decideOn(policy, '8.8.4.4').decision).toBe('deny');
  });

  it('asks all conditions of a rule at once: client, listener and port', () => {
    const policy = policyOf([
      {
        action: 'allow',
        clients: ['10.0.0.0/8', '2001:db8::/32'],
        listeners: ['explicit'],
        ports: [
          { from: 443, to: 443 },
          { from: 8000, to: 8999 },
        ],
      },
    ]);
    expect(decideOn(policy, 'example.com').decision).toBe('allow');
    expect(decideOn(policy, 'example.com', { port: 8500, client: '2001:db8::1' }).decision).toBe('allow');
    expect(decideOn(policy, 'example.com', { port: 9000 }).decision).toBe('deny');
    expect(decideOn(policy, 'example.com', { client: '11.0.0.1' }).decision).toBe('deny');
    expect(decideOn(policy, 'example.com', { listener: 'transparent' }).decision).toBe('deny');
  });

  it('does not take a client for the IPv4 address inside its own', () => {
    const policy = policyOf([{ action: 'allow', clients: ['10.0.0.0/8'] }]);
    expect(decideOn(policy, 'example.com', { client: '64:ff9b::10.0.0.1' }).decision).toBe('deny');
  });

  it.each(['clients', 'listeners', 'hosts', 'networks', 'ports'])(
    'matches nothing with an empty list of %s',
    (list) => {
      const policy = policyOf([{ action: 'allow', [list]: [] }]);
      expect(decideOn(policy, 'example.com').decision).toBe('deny');
      expect(decideOn(policy, '8.8.8.8').decision).toBe('deny');
    },
  );

  it('decides as a plain walk through the rules does, whatever the policy', () => {
    fc.assert(
      fc.property(
        fc.array(anyRule(), { maxLength: 12 }),
        fc.array(anyRequest(), { minLength: 5 }),
        (rules, requests) => {
          const config = policyConfig(rules);
          const policy = policyOf(rules);
          for (const request of requests) expect(decide(policy, request).rule).toBe(walk(config, request));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('finds one of a million names, and one of ten thousand rules, about as soon as one of a few', () => {
    const ofNames = (count: number) => asking(policyOf([{ action: 'allow', hosts: hostsOf(count) }]), count);
    const ofRules = (count: number) =>
      asking(
        policyOf(Array.from({ length: count }, (_, at) => ({ action: 'allow' as const, hosts: hostsOf(10, 10 * at) }))),
        10 * count,
      );
    // Some three times as long, for more does not fit into the caches. A walk would take a thousand times as long.
    expect(timesAsLong(ofNames(1_000_000), ofNames(1_000))).toBeLessThan(60);
    expect(timesAsLong(ofRules(10_000), ofRules(10))).toBeLessThan(60);
  }, 120_000);
});

function hostsOf(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, at) => hostOf(from + at));
}

function hostOf(at: number): string {
  return at % 2 === 0 ? `host-${at}.example.com` : `*.zone-${at}.example.net`;
}

/** Asks for a thousand names, each of which is allowed. */
function asking(policy: ReturnType<typeof policyOf>, hosts: number): () => void {
  const requests = Array.from({ length: 1_000 }, (_, at) => {
    const host = hostOf((at * 7_919) % hosts).replace('*', 'a.b');
    return { client: ip('10.0.0.9'), listener: 'explicit', destination: destination(host) };
  });
  return () => {
    const allowed = requests.filter((request) => decide(policy, request).decision === 'allow').length;
    expect(allowed).toBe(requests.length);
  };
}

/** The rules read one after the other, as the contract tells them. */
function walk(config: PolicyConfig, request: PolicyRequest): string {
  const number = config.rules.findIndex((rule) => {
    const { clients, listeners, users, ports } = rule;
    if (clients && !compileNetworks(clients).contains(request.client)) return false;
    if (listeners && !listeners.includes(request.listener)) return false;
    if (users && !(request.user !== undefined && users.includes(request.user))) return false;
    const { port } = request.destination;
    if (ports && !ports.some(({ from, to }) => from <= port && port <= to)) return false;
    return reaches(rule, request.destination);
  });
  return number < 0 ? 'default' : `rule-${number + 1}`;
}

function reaches({ action, hosts, hosts_file, networks }: RuleConfig, asked: Destination): boolean {
  const listed = HOSTS_FILES[hosts_file ?? '']?.split('\n');
  if (!hosts && !listed && !networks) return true;
  if (asked.kind === 'name') {
    return [...(hosts ?? []), ...(listed ?? [])].some(
      (each) => each === '*' || each === asked.host || isBelow(each, asked.host),
    );
  }
  const set = compileNetworks(networks ?? []);
  return set.contains(asked.ip) || insides(action, asked.ip).some((inside) => set.contains(inside));
}

function isBelow(pattern: string, name: string): boolean {
  return pattern.startsWith('*.') && name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1;
}

/** The two forms among the addresses above: NAT64 counts for both actions, ISATAP for deny alone. */
function insides(action: RuleConfig['action'], address: Ip): readonly Ip[] {
  if (address.text === '64:ff9b::a01:1') return [ip('10.1.0.1')];
  return address.text === '2606:4700::5efe:808:808' && action === 'deny' ? [ip('8.8.8.8')] : [];
}
