/** What `sallyport explain` prints. */
import type { Ip } from '@sallyport/addresses';
import {
  type Decision,
  destinationText,
  type DialVerdict,
  type Explanation,
  type PolicyRequest,
} from '@sallyport/policy';

/** Everything found out about one request, in the order of the checks. */
export interface Findings {
  readonly request: PolicyRequest;
  /** How the listener came to be asked: `the only one`. */
  readonly listenerChoice: string;
  readonly explanation: Explanation;
  /** Left out where the policy denies: then nothing is looked up. */
  readonly dialling?: Dialling;
}

/** What came of the destination's addresses. */
export interface Dialling {
  readonly addresses: readonly { readonly ip: Ip; readonly verdict: DialVerdict }[];
  /** Which addresses the name servers did not tell: a tunnel asks for them again before it fails. */
  readonly unknown?: 'IPv4' | 'IPv6';
  /** Why none of them can be dialled, in the words of the refusal. */
  readonly refusal?: { readonly reason: string; readonly sentence: string };
}

/** The answer in one line, then what it rests on. */
export function findingsText(findings: Findings): string {
  const { request, listenerChoice, explanation, dialling } = findings;
  const { client, user, listener, destination } = request;
  return [
    `${answerOf(findings)}\n\n`,
    row('listener', [`${listener} (${listenerChoice})`]),
    row('client', [user === undefined ? client.text : `${client.text}, user ${user}`]),
    row('to', [destinationText(destination)]),
    row('rule', [actionOf(explanation.decision), ...explanation.met]),
    row(
      'earlier',
      explanation.passedOver.map(({ rule, unmet }) => `${rule} does not match: ${unmet}`),
    ),
    row('egress', dialling ? ['direct'] : []),
    row('addresses', dialling ? addressLines(dialling) : ['not looked up, as the policy denies']),
  ].join('');
}

function answerOf({ explanation, dialling }: Findings): string {
  const { decision, rule } = explanation.decision;
  const decider = rule === 'default' ? 'the default' : `rule ${rule}`;
  if (decision === 'deny') return `denied: ${decider} denies it (reason policy)`;
  if (dialling?.refusal) return `denied: ${withoutStop(dialling.refusal.sentence)} (reason ${dialling.refusal.reason})`;
  return decision === 'report'
    ? `allowed, though ${decider} would deny it (report only)`
    : `allowed: ${decider} allows it`;
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

function actionOf({ decision, rule }: Decision): string {
  const action = decision === 'report' ? 'deny, which report_only turns into allow' : decision;
  return rule === 'default' ? `default: ${action} (no rule matches)` : `${rule}: ${action}`;
}

function addressLines({ addresses, unknown }: Dialling): readonly string[] {
  const lines = addresses.map(addressLine);
  return unknown ? [...lines, `unknown: ${unknown}, which no name server answered for`] : lines;
}

function addressLine({ ip, verdict }: Dialling['addresses'][number]): string {
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

/** A label and its lines below one another; nothing where there is no line. */
function row(label: string, lines: readonly string[]): string {
  return lines.map((line, at) => `${(at === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}\n`).join('');
}
