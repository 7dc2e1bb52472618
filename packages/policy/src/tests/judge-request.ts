/** Decides a request without asking a name server: by the rules, then by the address rules. */
import type { Ip } from '@sallyport/addresses';
import { judgeAddress } from '../address-rules/permit.ts';
import { destinationText } from '../destination.ts';
import { decide } from '../rules/decide.ts';
import type { Policy, PolicyRequest, Verdict } from '../rules/policy.ts';
import { wordAddressRefusal, wordDenial } from '../wording/words.ts';

export interface Judgement {
  readonly verdict: Verdict;
  /** `destinations`: the rules allow it, and the address rules refuse it. */
  readonly by: 'rules' | 'destinations';
  /** The rule that decided, or `default`. */
  readonly rule: string;
  /** Why it is refused, as in the log. */
  readonly detail?: string;
}

/**
 * Judges a request by the rules, and its addresses by the address rules. It is refused by these where they permit none.
 * @param addresses of a name, as far as they are known; a literal has its own
 */
export function judgeRequest(policy: Policy, request: PolicyRequest, addresses: readonly Ip[] = NONE): Judgement {
  const { destination } = request;
  const decision = decide(policy, request);
  const decided = { request, decision, id: '{id}' };
  const { rule } = decision;
  if (decision.decision === 'deny')
    return { verdict: 'deny', by: 'rules', rule, detail: wordDenial(policy, decided).detail };
  const why = findRefusal(destination.kind === 'address' ? [destination.ip] : addresses, policy);
  if (why === undefined) return { verdict: decision.decision, by: 'rules', rule };
  const sentence = `${destinationText(destination)} may not be dialled`;
  const words = wordAddressRefusal(policy, decided, { sentence, detail: `${sentence}: ${why}` });
  return { verdict: 'deny', by: 'destinations', rule, detail: words.detail };
}

const NONE: readonly Ip[] = [];

/** Why the first is refused; undefined where one is permitted, or there is none. */
function findRefusal(addresses: readonly Ip[], { destinations }: Policy): string | undefined {
  const verdicts = addresses.map((ip) => judgeAddress(ip, destinations));
  const refused = verdicts.flatMap((verdict) => (verdict.kind === 'refused' ? [verdict.why] : []));
  return refused.length === verdicts.length ? refused[0] : undefined;
}
