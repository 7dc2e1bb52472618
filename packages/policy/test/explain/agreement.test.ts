/** What `explain` and `tests` say is what the doors do: held on many policies against a plain reading of the rules. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileNetworks, type Ip } from '@sallyport/addresses';
import type { PolicyConfig, RuleConfig } from '@sallyport/config';
import { explain } from '../../src/explain/explain.ts';
import { compilePolicy } from '../../src/rules/compile.ts';
import { decide } from '../../src/rules/decide.ts';
import type { Decision, PolicyRequest } from '../../src/rules/policy.ts';
import { judgeRequest } from '../../src/tests/judge-request.ts';
import { anyRequest, anyRule } from '../arbitraries.ts';
import { policyConfig, policyOf, readHostsFile } from '../policy-fixture.ts';

/** Some of those that deny report only. */
function anyRuleOnTrial(): fc.Arbitrary<RuleConfig> {
  return fc
    .tuple(anyRule(), fc.boolean())
    .map(([rule, isOnTrial]) => (isOnTrial && rule.action === 'deny' ? { ...rule, report_only: true } : rule));
}

const POLICIES = 2_000;
const REQUESTS_EACH = 50;

it('explains and tests 100,000 random requests as a door decides them, and as the rules read', () => {
  fc.assert(
    fc.property(
      fc.array(anyRuleOnTrial(), { maxLength: 6 }),
      fc.array(anyRequest(), { minLength: REQUESTS_EACH, maxLength: REQUESTS_EACH }),
      fc.record({ report_only: fc.boolean(), default: fc.constantFrom('allow' as const, 'deny' as const) }),
      fc.boolean(),
      (rules, requests, rest, isDoorOnTrial) => {
        const config = policyConfig(rules, { ...rest, destinations: { deny: [], allow: [] } });
        const listeners = [{ name: 'explicit', report_only: isDoorOnTrial }];
        const { policy } = compilePolicy(config, readHostsFile, { listeners });
        const matches = rules.map((rule) => matcherOf(rule));
        const read = requests.map((request) => {
          const isReported = rest.report_only || (isDoorOnTrial && request.listener === 'explicit');
          return readRules(config, matches, request, isReported);
        });
        expect(requests.map((request) => decide(policy, request))).toEqual(read);
        expect(requests.map((request) => explain(policy, config, request).decision)).toEqual(read);
        const judged = requests.map((request) => judgeRequest(policy, request));
        expect(judged.map(({ verdict, rule }) => `${verdict} ${rule}`)).toEqual(
          read.map(({ decision, rule }) => `${decision} ${rule}`),
        );
      },
    ),
    { numRuns: POLICIES },
  );
}, 120_000);

type Matches = (request: PolicyRequest) => boolean;

/** Does the rule match? Asked of a policy that has no other rule, and so no index over several. */
function matcherOf(rule: RuleConfig): Matches {
  const alone = policyOf([{ ...rule, name: 'it', action: rule.action, report_only: false }], { default: 'deny' });
  const clients = rule.clients && compileNetworks(rule.clients);
  const isClient = (client: Ip): boolean => !clients || clients.contains(client);
  return (request) => isClient(request.client) && decide(alone, request).rule === 'it';
}

/** One rule after the other, as the contract tells them. */
function readRules(
  config: PolicyConfig,
  matches: readonly Matches[],
  request: PolicyRequest,
  isReported: boolean,
): Decision {
  let wouldDeny: string | undefined;
  for (const [number, { action, report_only }] of config.rules.entries()) {
    if (matches[number]?.(request) !== true) continue;
    const rule = `rule-${number + 1}`;
    if (report_only) wouldDeny ??= rule;
    else return outcome(action, rule, wouldDeny, isReported);
  }
  return outcome(config.default, 'default', wouldDeny, isReported);
}

function outcome(action: 'allow' | 'deny', rule: string, wouldDeny: string | undefined, isReported: boolean): Decision {
  if (action === 'allow') {
    return wouldDeny === undefined
      ? { decision: 'allow', rule }
      : { decision: 'report', rule, wouldDeny, ruled: 'allow' };
  }
  if (isReported) return { decision: 'report', rule, wouldDeny: wouldDeny ?? rule };
  return wouldDeny === undefined ? { decision: 'deny', rule } : { decision: 'deny', rule, wouldDeny };
}
