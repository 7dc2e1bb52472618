/** Rules for users: exact names, and nobody who has not proved to be one. */
import type { RuleConfig } from '@sallyport/config';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/rules/decide.ts';
import { lintOpenProxy } from '../../src/lint/open-proxy.ts';
import { lintUnmetUsers } from '../../src/lint/unmet-users.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { describeProblem, destination, policyConfig, policyOf, problemsOf } from '../policy-fixture.ts';

const forCi: RuleConfig = { name: 'builds', action: 'allow', users: ['ci', 'release'] };

describe('a rule with users', () => {
  const policy = policyOf([forCi, { name: 'others', action: 'deny' }]);
  const ruleFor = (user: string | undefined): string =>
    decide(policy, { client: ip('10.0.0.9'), listener: 'explicit', destination: destination('example.com'), user })
      .rule;

  it.each(['ci', 'release'])('matches %s', (user) => {
    expect(ruleFor(user)).toBe('builds');
  });

  it.each([undefined, '', 'CI', 'ci ', 'c', 'guest', '*'])('does not match %j', (user) => {
    expect(ruleFor(user)).toBe('others');
  });
});

describe('the linter', () => {
  it('warns of an empty list of users', () => {
    expect(problemsOf([{ ...forCi, users: [] }])).toEqual([expect.stringMatching(/its list of users is empty/)]);
  });

  it('finds no shadow of a rule for anyone in one for users', () => {
    expect(problemsOf([forCi, { name: 'anyone', action: 'deny' }])).toEqual([]);
  });

  it.each([
    { first: undefined, second: ['ci'], isShadow: true },
    { first: ['ci', 'release'], second: ['ci'], isShadow: true },
    { first: ['ci'], second: ['ci', 'release'], isShadow: false },
    { first: ['ci'], second: undefined, isShadow: false },
  ])('sees whether users $first leave anything to users $second', ({ first, second, isShadow }) => {
    const rules: RuleConfig[] = [
      { name: 'first', action: 'allow', ...(first && { users: first }) },
      { name: 'second', action: 'allow', ...(second && { users: second }) },
    ];
    expect(problemsOf(rules)).toHaveLength(isShadow ? 1 : 0);
  });
});

describe('lintUnmetUsers', () => {
  const lint = (rules: readonly RuleConfig[], asking: object): readonly string[] =>
    lintUnmetUsers({ listeners: [{ name: 'open' }, { name: 'asking', ...asking }], policy: policyConfig(rules) }).map(
      describeProblem,
    );

  it.each([{ auth: {} }, { tls: { client_ca: 'ca.crt' } }])('is content where a listener has %j', (asking) => {
    expect(lint([forCi, { ...forCi, listeners: ['asking'] }], asking)).toEqual([]);
  });

  it.each([{}, { tls: {} }])('warns where none of the listeners asks, as with %j', (asking) => {
    expect(lint([forCi], asking)).toEqual([
      expect.stringMatching(/^warning policy\.rules\.0\.users: rule builds can never match/),
    ]);
  });

  it('warns where only listeners that the rule is not for ask', () => {
    expect(lint([{ ...forCi, listeners: ['open'] }], { auth: {} })).toHaveLength(1);
  });
});

describe('lintOpenProxy', () => {
  const warnings = (listener: object, rules: readonly RuleConfig[]): number => {
    const listeners = [{ name: 'explicit', bind: [{ host: '0.0.0.0', port: 3128 }], ...listener }];
    return lintOpenProxy({ listeners, policy: policyConfig(rules) }, policyOf(rules)).length;
  };
  const anyone: RuleConfig = { action: 'allow' };

  it('warns of anyone to anywhere, also over TLS', () => {
    expect(warnings({}, [anyone])).toBe(1);
    expect(warnings({ tls: {} }, [anyone])).toBe(1);
  });

  it.each([{ auth: {} }, { tls: { client_ca: 'ca.crt' } }])('is content with a door that has %j', (listener) => {
    expect(warnings(listener, [anyone])).toBe(0);
  });

  it('is content with rules for users alone, and takes a denial of users for no denial of all', () => {
    expect(warnings({}, [forCi])).toBe(0);
    expect(warnings({}, [{ action: 'deny', users: ['guest'] }, anyone])).toBe(1);
  });
});
