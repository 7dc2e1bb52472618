/** Decides a request without asking a name server: by the rules, then by the address rules. */
import { judgeAddress } from '../address-rules/permit.ts';
import { destinationText } from '../destination.ts';
import { decide } from '../rules/decide.ts';
import type { Policy, PolicyRequest, Verdict } from '../rules/policy.ts';
import { wordAddressRefusal, wordDenial } from '../wording/words.ts';

export interface Judgement {
  readonly verdict: Verdict;
  /** The rule that decided, or `default`. */
  readonly rule: string;
  /** Why it is refused, as in the log. */
  readonly detail?: string;
}

/** Judges a request by the rules, and a literal by the address rules. */
export function judgeRequest(policy: Policy, request: PolicyRequest): Judgement {
  const { destination } = request;
  const decision = decide(policy, request);
  const decided = { request, decision, id: '{id}' };
  const { rule } = decision;
  if (decision.decision === 'deny') return { verdict: 'deny', rule, detail: wordDenial(policy, decided).detail };
  const judged = destination.kind === 'address' ? judgeAddress(destination.ip, policy.destinations) : undefined;
  if (judged?.kind !== 'refused') return { verdict: decision.decision, rule };
  const sentence = `${destinationText(destination)} may not be dialled`;
  const words = wordAddressRefusal(policy, decided, { sentence, detail: `${sentence}: ${judged.why}` });
  return { verdict: 'deny', rule, detail: words.detail };
}
