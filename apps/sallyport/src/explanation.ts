/** The text that `sallyport explain` prints. */
import type { Ip } from '@sallyport/addresses';
import { DEFAULT_NAME, escapeControls } from '@sallyport/config';
import {
  deciderText,
  type Decision,
  destinationText,
  type DialVerdict,
  type Explanation,
  type PolicyRequest,
  type RefusalWords,
} from '@sallyport/policy';
import type { EgressChoice } from './explain-egress.ts';

/** All results for one request, in the order of the checks. */
export interface Findings {
  readonly request: PolicyRequest;
  /** How the listener was chosen: `the only one`. */
  readonly listenerChoice: string;
  /** False: the listener asks no client who it is, so none has a user there. True: it serves no client without one. */
  readonly isUserAsked: boolean;
  /** Keys by which the door may refuse the client all the same. */
  readonly unjudged: readonly string[];
  readonly explanation: Explanation;
  readonly egress: EgressChoice;
  /** Left out where the policy denies: then nothing is looked up. */
  readonly dialling?: Dialling;
  /** Left out where it is allowed. */
  readonly refusal?: Refusal;
}

/** The destination's addresses, judged. */
export interface Dialling {
  readonly addresses: readonly JudgedAddress[];
  /** The family that no name server answered for. A tunnel queries it again before it fails. */
  readonly unknown?: 'IPv4' | 'IPv6';
  /** Why none of them can be dialled. */
  readonly refusal?: Refusal;
}

/** An address of the destination, and whether it may be dialled. */
interface JudgedAddress {
  readonly ip: Ip;
  readonly verdict: DialVerdict;
}

/** Why the request is refused, in the sentence that the doors use. */
export interface Refusal {
  readonly reason: string;
  /** `detail` is what the log says; `sentence` what the client is told. */
  readonly words: Pick<RefusalWords, 'sentence' | 'detail' | 'isVerbatim'>;
}

const UNASKED = ' (no client has a user at this listener, which asks for none: see auth and tls.client_ca)';
const NO_USER = ' (without a user; this listener refuses such clients, see auth and tls.client_ca)';

/** The answer in one line, then its reasons. */
export function findingsText(findings: Findings): string {
  const { request, listenerChoice, isUserAsked, explanation, egress, dialling, refusal, unjudged } = findings;
  const { client, user, listener, destination } = request;
  const isTold = refusal !== undefined && refusal.words.sentence !== refusal.words.detail;
  return [
    `${answerOf(findings)}\n\n`,
    row('listener', [`${listener} (${listenerChoice})`]),
    row('client', [`${client.text}${userNote(user, isUserAsked)}`]),
    row('to', [destinationText(destination)]),
    row('told', isTold ? [`${refusal.words.sentence} (the client; what stands above is for the log)`] : []),
    row('rule', [actionOf(explanation.decision), ...explanation.met]),
    row('earlier', explanation.passedOver.map(passedOverLine)),
    row('egress', dialling ? egress.lines : []),
    row('addresses', dialling ? addressLines(dialling, egress) : ['not looked up, as the policy denies']),
    row('not judged', refusal ? [] : [`${unjudged.join(', ')}; nor was anything dialled`]),
  ].join('');
}

function userNote(user: string | undefined, isUserAsked: boolean): string {
  if (user === undefined) return isUserAsked ? NO_USER : '';
  return `, user ${escapeControls(user)}${isUserAsked ? '' : UNASKED}`;
}

function answerOf({ explanation, refusal }: Findings): string {
  const { decision, rule, wouldDeny } = explanation.decision;
  if (refusal) return `denied: ${withoutStop(refusal.words)} (reason ${refusal.reason})`;
  if (decision === 'report') return `allowed, though ${deciderText(wouldDeny ?? rule)} would deny it (report only)`;
  return `allowed: ${deciderText(rule)} allows it`;
}

function withoutStop({ detail, isVerbatim }: Refusal['words']): string {
  return isVerbatim ? detail : detail.replace(/\.$/, '');
}

function passedOverLine(passedOver: Explanation['passedOver'][number]): string {
  const { rule } = passedOver;
  if (passedOver.kind === 'reported') return `${rule} matches and would deny, but it is report_only`;
  return `${rule} does not match: ${passedOver.unmet}`;
}

function actionOf({ decision: outcome, rule, ruled }: Decision): string {
  const decision = ruled ?? outcome;
  const action = decision === 'report' ? 'deny, which report_only turns into allow' : decision;
  return rule === DEFAULT_NAME ? `default: ${action} (no rule matches)` : `${rule}: ${action}`;
}

function addressLines({ addresses, unknown }: Dialling, { resolvesNames }: EgressChoice): readonly string[] {
  if (resolvesNames) return ['not looked up: the parent resolves the name, and policy.destinations does not see it'];
  const lines = addresses.map(addressLine);
  return unknown ? [...lines, `unknown: ${unknown}, which no name server answered for`] : lines;
}

function addressLine({ ip, verdict }: JudgedAddress): string {
  switch (verdict.kind) {
    case 'permitted':
      return `permitted: ${ip.text}`;
    case 'refused':
      return `refused: ${verdict.why}`;
    case 'loop':
      return `refused: ${ip.text} is one of our own listeners (reason loop)`;
  }
}

const LABEL_WIDTH = 11;

/** A label, with its lines below one another; nothing where there is no line. */
function row(label: string, lines: readonly string[]): string {
  return lines.map((line, at) => `${(at === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}\n`).join('');
}
