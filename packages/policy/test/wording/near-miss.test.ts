import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '@sallyport/config';
import { decide } from '../../src/rules/decide.ts';
import type { PolicyRequest } from '../../src/rules/policy.ts';
import { findNearMiss } from '../../src/wording/near-miss.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { growthOfTime, LINEAR, timesAsLong } from '../../../../test/growth-of-time.ts';
import { anyRequest, anyRule } from '../arbitraries.ts';
import { destination, policyOf } from '../policy-fixture.ts';

const HTTPS = [{ from: 443, to: 443 }];
const HIGH = { from: 8000, to: 8999 };

function nearMissOf(
  rules: readonly RuleConfig[],
  host: string,
  { port = 443, client = '10.0.0.9', user = undefined as string | undefined, listener = 'explicit' } = {},
): string | undefined {
  return findNearMiss(policyOf(rules), { client: ip(client), listener, user, destination: destination(host, port) });
}

describe('findNearMiss', () => {
  it.each<[string, RuleConfig, string, Parameters<typeof nearMissOf>[2], string]>([
    [
      'a name below',
      { action: 'allow', hosts: ['example.com'] },
      'api.example.com',
      {},
      'api.example.com is not allowed; example.com is',
    ],
    [
      'a name far below',
      { action: 'allow', hosts: ['example.com'] },
      'a.b.c.example.com',
      {},
      'a.b.c.example.com is not allowed; example.com is',
    ],
    [
      'the suffix itself',
      { action: 'allow', hosts: ['*.example.com'] },
      'example.com',
      {},
      'example.com is not allowed; *.example.com is',
    ],
    [
      'a name without its www',
      { action: 'allow', hosts: ['www.example.com'] },
      'example.com',
      {},
      'example.com is not allowed; www.example.com is',
    ],
    [
      'another port',
      { action: 'allow', hosts: ['example.com'], ports: HTTPS },
      'example.com',
      { port: 8443 },
      'allowed on port 443, not 8443',
    ],
    [
      'another port of several',
      { action: 'allow', ports: [...HTTPS, HIGH] },
      'example.com',
      { port: 80 },
      'allowed on ports 443 or 8000-8999, not 80',
    ],
    [
      'a port of a literal',
      { action: 'allow', networks: ['8.8.8.0/24'], ports: HTTPS },
      '8.8.8.8',
      { port: 53 },
      'allowed on port 443, not 53',
    ],
    [
      'another client',
      { action: 'allow', clients: ['10.0.0.0/8'] },
      'example.com',
      { client: '192.168.0.1' },
      'allowed for clients 10.0.0.0/8',
    ],
    [
      'clients of sets',
      { action: 'allow', clients: ['loopback', '2001:db8::/32'] },
      'example.com',
      {},
      'allowed for clients loopback or 2001:db8::/32',
    ],
    [
      'another door',
      { action: 'allow', listeners: ['transparent'] },
      'example.com',
      {},
      'allowed at transparent, not at explicit',
    ],
    ['a user', { action: 'allow', users: ['ci'] }, 'example.com', {}, 'allowed for users, and this client is none'],
    ['another user', { action: 'allow', users: ['ci'] }, 'example.com', { user: 'bob' }, 'allowed for other users'],
  ])('names %s', (_, rule, host, how, clause) => {
    expect(nearMissOf([rule], host, how)).toBe(clause);
  });

  it.each<[string, readonly RuleConfig[], string, number]>([
    ['what differs in two ways', [{ action: 'allow', ports: HTTPS, clients: ['loopback'] }], 'example.com', 80],
    ['a name beside it', [{ action: 'allow', hosts: ['www.example.com'] }], 'api.example.com', 443],
    ['a top-level domain', [{ action: 'allow', hosts: ['com'] }], 'example.com', 443],
    ['an empty list', [{ action: 'allow', ports: [] }], 'example.com', 443],
    ['a name for a literal', [{ action: 'allow', hosts: ['*'] }], '8.8.8.8', 443],
    [
      'what an earlier rule denies',
      [
        { action: 'deny', hosts: ['example.com'] },
        { action: 'allow', ports: HTTPS },
      ],
      'example.com',
      80,
    ],
    [
      'names around one that is denied by name',
      [
        { action: 'deny', hosts: ['ads.example.com'] },
        { action: 'allow', hosts: ['example.com', '*.example.com'] },
      ],
      'ads.example.com',
      443,
    ],
    ['anything of an empty policy', [], 'example.com', 443],
  ])('does not name %s', (_, rules, host, port) => {
    expect(nearMissOf(rules, host, { port })).toBeUndefined();
  });

  it('names what a rule that denies all the rest stands behind', () => {
    const rules: RuleConfig[] = [
      { action: 'allow', hosts: ['example.com'] },
      { name: 'rest', action: 'deny' },
    ];
    expect(nearMissOf(rules, 'api.example.com')).toBe('api.example.com is not allowed; example.com is');
  });

  it('names nothing that is not allowed, whatever the policy', () => {
    let named = 0;
    fc.assert(
      fc.property(
        fc.array(anyRule(), { maxLength: 8 }),
        fc.array(anyRequest(), { minLength: 5 }),
        (rules, requests) => {
          const policy = policyOf(rules);
          for (const request of requests.filter((one) => decide(policy, one).decision === 'deny')) {
            const clause = findNearMiss(policy, request);
            if (clause === undefined) continue;
            named++;
            for (const changed of changesOf(clause, request)) expect(decide(policy, changed).decision).toBe('allow');
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(named).toBeGreaterThan(100);
  });

  it('answers about as soon whatever the size of the policy', () => {
    const ofNames = (count: number) => {
      const hosts = Array.from({ length: count }, (_, at) => `host-${at}.zone-${at % 1000}.example`);
      return policyOf([{ action: 'allow', hosts, ports: HTTPS }]);
    };
    const ofRules = (count: number) =>
      policyOf(Array.from({ length: count }, (): RuleConfig => ({ action: 'allow', ports: HTTPS, users: ['ci'] })));
    // All of them deny, and would be looked at for each name that is tried.
    const denying = (count: number) =>
      policyOf([
        ...Array.from({ length: count }, (): RuleConfig => ({
          action: 'deny',
          ports: HTTPS,
          clients: ['192.0.2.0/24'],
        })),
        { action: 'allow', hosts: ['example', 'a.example', 'a.a.example', 'a.a.a.example'] },
      ]);
    const [names, rules, denials] = [ofNames(1_000_000), ofRules(10_000), denying(10_000)];
    const [fewNames, fewRules, fewDenials] = [ofNames(1_000), ofRules(10), denying(10)];
    const deep = 'a.'.repeat(120).concat('example');
    // A walk would take a thousand times as long.
    for (const host of ['api.host-77.zone-77.example', 'nowhere.test', 'b.a.a.a.example', deep]) {
      expect(timesAsLong(searching(names, host), searching(fewNames, host))).toBeLessThan(60);
      expect(timesAsLong(searching(rules, host), searching(fewRules, host))).toBeLessThan(60);
      expect(timesAsLong(searching(denials, host), searching(fewDenials, host))).toBeLessThan(60);
    }
  }, 120_000);

  it('takes no quadratic time for the labels of a name', () => {
    const policy = policyOf([{ action: 'allow', hosts: ['*.example'], ports: HTTPS }]);
    const nearMiss = (labels: number): void => searching(policy, 'a.'.repeat(labels).concat('example'))();
    expect(growthOfTime(nearMiss, 96)).toBeLessThan(LINEAR);
  });
});

/** The requests that a clause says would be allowed; none where it names nobody. */
function changesOf(clause: string, request: PolicyRequest): readonly PolicyRequest[] {
  const { destination: asked } = request;
  const near = / is not allowed; (.*) is$/.exec(clause)?.[1];
  if (near !== undefined) return [{ ...request, destination: destination(near.replace('*', 'x--any'), asked.port) }];
  const ports = /^allowed on ports? (.*), not /.exec(clause)?.[1];
  if (ports !== undefined) {
    return (ports.match(/[0-9]+/g) ?? []).map((port) => ({
      ...request,
      destination: { ...asked, port: Number(port) },
    }));
  }
  const listeners = /^allowed at (.*), not at /.exec(clause)?.[1];
  return listeners === undefined ? [] : listeners.split(' or ').map((listener) => ({ ...request, listener }));
}

function searching(policy: ReturnType<typeof policyOf>, host: string): () => void {
  const request = { client: ip('10.0.0.9'), listener: 'explicit', destination: destination(host, 8443) };
  return () => {
    for (let count = 0; count < 100; count++) findNearMiss(policy, request);
  };
}
