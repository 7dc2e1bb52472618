import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/load.ts';

function problemsOf(policy: string, rule: string): readonly string[] {
  const test = `tests: [{ client: "::1", to: "a.test:443", expect: deny, rule: ${rule} }]`;
  const result = parseConfig(`listeners: [{ name: a, mode: connect, bind: "127.0.0.1:1" }]\n${policy}\n${test}\n`, {});
  return (result.kind === 'ok' ? result.warnings : result.problems).flatMap(({ path, message }) =>
    path[0] === 'tests' ? [message] : [],
  );
}

describe('the rule of a test', () => {
  it.each([
    {
      policy: 'policy: { rules: [{ name: web, action: allow }, { action: allow }] }',
      rules: ['web', 'rule-2', 'default'],
    },
    { policy: '', rules: ['safe-default', 'default'] },
    { policy: 'policy: {}', rules: ['default'] },
    { policy: 'policy: { rules: { web: {} } }', rules: ['web', 'any'] },
    { policy: 'policy: [web]', rules: ['web'] },
  ])('may be $rules with "$policy"', ({ policy, rules }) => {
    for (const rule of rules) expect(problemsOf(policy, rule)).toEqual([]);
  });

  it.each([
    {
      policy: 'policy: { rules: [{ name: web }] }',
      rule: 'wbe',
      message: 'no rule is named "wbe"; did you mean "web"?',
    },
    { policy: '', rule: 'first', message: 'no rule is named "first"; there are safe-default, default' },
    { policy: 'policy: { default: deny }', rule: 'web', message: 'no rule is named "web"; there are default' },
    {
      policy: 'policy: { rules: [{ name: web }] }',
      rule: 'rule-1',
      message: 'no rule is named "rule-1"; there are web, default',
    },
  ])('may not be $rule with "$policy"', ({ policy, rule, message }) => {
    expect(problemsOf(policy, rule)).toEqual([message]);
  });
});
