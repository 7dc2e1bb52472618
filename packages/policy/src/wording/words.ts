/** The sentence that says why a request is refused. It is the same at every door, in the log and in `explain`. Read this first. */
import { fillMessage, type MessageValues } from '@sallyport/config';
import { destinationText } from '../destination.ts';
import type { Decision, Policy, PolicyRequest } from '../rules/policy.ts';
import { findNearMiss } from './near-miss.ts';

export interface RefusalWords {
  /** For the client. */
  readonly sentence: string;
  /** For the log: it may name rules, near misses and addresses that the client must not know. */
  readonly detail: string;
  /** Both end with the operator's own words. */
  readonly isVerbatim: boolean;
  /** The rule that decided, where the client may know it. */
  readonly rule?: string;
  /** The operator's advice to clients. */
  readonly remedy?: string;
}

/** One request that was decided. */
export interface DecidedRequest {
  readonly request: PolicyRequest;
  readonly decision: Decision;
  /** The tunnel's id. */
  readonly id: string;
}

/** Words a denial by a rule, or by the default. */
export function wordDenial(policy: Policy, decided: DecidedRequest): RefusalWords {
  const { request, decision } = decided;
  const bare = `No rule allows ${destinationText(request.destination)}`;
  const decider = decision.rule === policy.byDefault.decision.rule ? bare : explainRule(decided);
  const nearMiss = findNearMiss(policy, request);
  const detail = nearMiss === undefined ? decider : `${decider}: ${nearMiss}`;
  const own = policy.messages.get(decision.rule);
  return closeWords(policy, decided, { own, bare, detail, isForAll: false });
}

/** Why no address of a destination may be dialled. */
export interface AddressWords {
  /** Without addresses. */
  readonly sentence: string;
  readonly detail: string;
}

/** Words a refusal by `destinations`. A client is not told the addresses of a name; a literal it has named itself. */
export function wordAddressRefusal(policy: Policy, decided: DecidedRequest, words: AddressWords): RefusalWords {
  const { decision, request } = decided;
  // The message of a rule that would have denied is about that denial.
  const isAllowed = (decision.ruled ?? decision.decision) === 'allow';
  const own = isAllowed ? policy.messages.get(decision.rule) : undefined;
  const isForAll = request.destination.kind === 'name';
  return closeWords(policy, decided, { own, bare: words.sentence, detail: words.detail, isForAll });
}

function explainRule({ request, decision }: DecidedRequest): string {
  return `The rule ${decision.rule} denies ${destinationText(request.destination)}`;
}

interface Sentences {
  /** The rule's own message, in place of the others. */
  readonly own: string | undefined;
  readonly bare: string;
  readonly detail: string;
  /** Every client gets the bare sentence. */
  readonly isForAll: boolean;
}

/** Adds the operator's words. */
function closeWords(policy: Policy, decided: DecidedRequest, sentences: Sentences): RefusalWords {
  const { bare, detail, isForAll } = sentences;
  const values = valuesOf(decided);
  const own = sentences.own === undefined ? undefined : fillMessage(sentences.own, values);
  const closing = policy.message === undefined ? undefined : fillMessage(policy.message, values);
  const isInformed = policy.hints.contains(decided.request.client);
  return {
    sentence: joinSentences(own ?? (isInformed && !isForAll ? detail : bare), closing, own !== undefined),
    detail: joinSentences(own ?? detail, closing, own !== undefined),
    isVerbatim: own !== undefined || closing !== undefined,
    ...(isInformed && { rule: decided.decision.rule }),
    ...(closing !== undefined && { remedy: closing }),
  };
}

function valuesOf({ request, decision, id }: DecidedRequest): MessageValues {
  const { destination, client } = request;
  return { host: destination.host, port: `${destination.port}`, rule: decision.rule, id, client: client.text };
}

function joinSentences(first: string, closing: string | undefined, isVerbatim: boolean): string {
  const stopped = /[.!?]$/.test(first) ? first : `${first}.`;
  if (closing !== undefined) return `${stopped} ${closing}`;
  return isVerbatim ? first : stopped;
}
