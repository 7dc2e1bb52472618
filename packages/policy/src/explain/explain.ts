/** A decision with its reasons: the very decision of `decide`, and what kept each earlier rule from making it. */
import type { PolicyConfig } from '@sallyport/config';
import { findUnmet } from '../rules/conditions.ts';
import { candidateRules, decidingRule } from '../rules/decide.ts';
import type { Decision, Policy, PolicyRequest } from '../rules/policy.ts';
import { explainMet, explainUnmet, explainUnnamed } from './explain-conditions.ts';

export interface Explanation {
  readonly decision: Decision;
  /** What the deciding rule asks, and how the request meets it. Empty for the default, and a rule that asks nothing. */
  readonly met: readonly string[];
  /** The rules before the one that decides, or all of them where none does, in order. */
  readonly passedOver: readonly PassedOver[];
}

export interface PassedOver {
  readonly rule: string;
  /** The first condition that the request does not meet: `ports: 8443 is not 443`. */
  readonly unmet: string;
}

/** @param config what the policy was compiled from: reasons are told in its words */
export function explain(policy: Policy, config: PolicyConfig, request: PolicyRequest): Explanation {
  const deciding = decidingRule(policy, request);
  const candidates = new Set(candidateRules(policy, request.destination).flat());
  const passedOver = policy.rules.slice(0, deciding).flatMap((rule, number): readonly PassedOver[] => {
    const written = config.rules[number];
    if (!written) return [];
    const condition = candidates.has(number) ? findUnmet(rule, request) : undefined;
    const unmet = condition ? explainUnmet(condition.key, written, request) : explainUnnamed(written, request);
    return [{ rule: rule.name, unmet }];
  });
  const decider = config.rules[deciding];
  return {
    decision: policy.rules[deciding]?.decision ?? policy.byDefault,
    met: decider ? explainMet(decider, request, policy.groups) : [],
    passedOver,
  };
}
