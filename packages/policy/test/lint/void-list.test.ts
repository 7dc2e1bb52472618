import type { PolicyConfig } from '@sallyport/config';
import { describe, expect, it } from 'vitest';
import { lintVoidList } from '../../src/lint/void-list.ts';
import { policyConfig } from '../policy-fixture.ts';

type ListenerConfig = Parameters<typeof lintVoidList>[0]['listeners'][number];

/** The warnings about a transparent door, each behind its path. */
function warnings(
  listener: Partial<ListenerConfig>,
  policy: Partial<PolicyConfig> = {},
  rules: PolicyConfig['rules'] = [],
): readonly string[] {
  const config = {
    listeners: [{ name: 'a', mode: 'sni' as const, ...listener }],
    policy: { ...policyConfig(rules), ...policy },
  };
  return lintVoidList(config).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('lintVoidList', () => {
  it.each(['off', 'report'] as const)('warns of a name that nobody checks, with verify_sni: %s', (verify_sni) => {
    expect(warnings({ dial: 'original', verify_sni })).toEqual([
      expect.stringMatching(/^listeners\.0\.dial: .* write verify_sni: enforce/),
    ]);
  });

  it.each<[PolicyConfig['destinations'], RegExp]>([
    [{ deny: [], allow: [] }, /^policy\.destinations\.deny: .* add special/],
    [{ deny: ['private', 'loopback'], allow: [] }, /^policy\.destinations\.deny: .* add special/],
    [{ deny: ['special'], allow: ['special'] }, /^policy\.destinations\.allow: /],
    [{ deny: ['special'], allow: ['0.0.0.0/0'] }, /^policy\.destinations\.allow: /],
    [{ deny: ['special'], allow: ['any'] }, /^policy\.destinations\.allow: /],
  ])('warns of destinations that refuse nothing of this network: %j', (destinations, message) => {
    expect(warnings({}, { destinations })).toEqual([expect.stringMatching(message)]);
  });

  it('warns of rules that allow what the default allows', () => {
    expect(warnings({}, { default: 'allow' }, [{ action: 'allow', hosts: ['a.test'] }])).toEqual([
      expect.stringMatching(/^policy\.default: .* write default: deny/),
    ]);
  });

  it.each<[Partial<ListenerConfig>, Partial<PolicyConfig>, PolicyConfig['rules']]>([
    [{ dial: 'original', verify_sni: 'enforce' }, {}, []],
    [{ dial: 'sni', verify_sni: 'off' }, {}, []],
    [{}, { destinations: { deny: ['special', '192.0.2.0/24'], allow: ['loopback', 'private'] } }, []],
    [{}, { destinations: { deny: ['any'], allow: [] } }, []],
    [{}, { default: 'allow' }, [{ action: 'allow' }, { action: 'deny', hosts: ['a.test'] }]],
    [{}, { default: 'allow' }, []],
  ])('has nothing to say of %j, %j, %j', (listener, policy, rules) => {
    expect(warnings(listener, policy, rules)).toEqual([]);
  });
});
