/** A decision with its reasons: the same decision as `decide` makes, and why each earlier rule did not match. */
import type { PolicyConfig } from '@sallyport/config';
import { findUnmet } from '../rules/conditions.ts';
import { candidateRules, decide, decidingRule } from '../rules/decide.ts';
import type { Decision, Policy, PolicyRequest } from '../rules/policy.ts';
import { explainMet, explainUnmet, explainUnnamed } from './explain-conditions.ts';

export interface Explanation {
  readonly decision: Decision;
  /** The conditions of the deciding rule, and how the request meets them. Empty for the default, and for a rule without conditions. */
  readonly met: readonly string[];
  /** The rules before the deciding one in order, or all rules where none decides. */
  readonly passedOver: readonly PassedOver[];
}

export type PassedOver =
  /** `unmet`: the first condition that the request does not meet: `ports: 8443 is not 443`. */
  | { readonly rule: string; readonly kind: 'unmet'; readonly unmet: string }
  /** It matches, and would deny without its `report_only`. */
  | { readonly rule: string; readonly kind: 'reported' };

/** @param config what the policy was compiled from; reasons quote it */
export function explain(policy: Policy, config: PolicyConfig, request: PolicyRequest): Explanation {
  const deciding = decidingRule(policy, request);
  const candidates = new Set(candidateRules(policy, request.destination).flat());
  const passedOver = policy.rules.slice(0, deciding).flatMap((rule, number): readonly PassedOver[] => {
    const written = config.rules[number];
    if (!written) return [];
    const condition = candidates.has(number) ? findUnmet(rule, request) : undefined;
    if (candidates.has(number) && !condition) return [{ rule: rule.name, kind: 'reported' }];
    const unmet = condition ? explainUnmet(condition.key, written, request) : explainUnnamed(written, request);
    return [{ rule: rule.name, kind: 'unmet', unmet }];
  });
  const decider = config.rules[deciding];
  return {
    decision: decide(policy, request),
    met: decider ? explainMet(decider, request, policy.groups) : [],
    passedOver,
  };
}
