/** `GET /api/explain`: how the running proxy would decide a request, as `sallyport explain` prints it, and the rule that would allow it. */
import { parseIp } from '@sallyport/addresses';
import { destinationAt, type PolicyRequest, remedyOf } from '@sallyport/policy';
import { chooseListener, explainRequest } from '../explain-request.ts';
import { findingsText } from '../explanation.ts';
import type { AdminView } from './admin-view.ts';
import type { ExplainReply } from './api.ts';

export interface Question {
  readonly host: string;
  readonly port: number;
  readonly client: string;
  readonly listener: string | undefined;
  readonly user: string | undefined;
}

/** A sentence where the question is invalid. */
export async function explainDestination(question: Question, view: AdminView): Promise<ExplainReply | string> {
  const { services } = view;
  const settings = view.settings();
  const doors = settings.config.listeners.map(({ name }) => name);
  if (question.listener !== undefined && !doors.includes(question.listener))
    return `listener must be ${doors.join(' or ')}`;
  const { listener, listenerChoice } = chooseListener(doors, question.listener, 'listener');
  const request = readQuestion({ ...question, listener });
  if (typeof request === 'string') return request;
  const tools = { resolver: services.resolver, own: services.bound.own, listenerChoice };
  const findings = await explainRequest(settings, request, tools);
  const { decision, rule, wouldDeny } = findings.explanation.decision;
  const reason = findings.refusal?.reason ?? (wouldDeny === undefined ? undefined : 'policy');
  const denying = findings.refusal ? rule : (wouldDeny ?? rule);
  const yaml = reason === 'policy' || reason === 'address' ? allow(request, reason, denying) : undefined;
  return {
    verdict: findings.refusal ? 'deny' : decision,
    rule: denying,
    text: findingsText(findings),
    ...(yaml !== undefined && { yaml }),
  };
}

function readQuestion({ host, port, client, listener, user }: Question & { listener: string }): PolicyRequest | string {
  const ip = parseIp(client);
  if (!ip) return `client must be an IP address`;
  const destination = destinationAt({ host, port });
  if (destination.kind === 'malformed') return `host must be a name or an IP address: ${destination.why}`;
  return { client: ip, listener, destination, ...(user !== undefined && { user }) };
}

function allow({ destination }: PolicyRequest, reason: 'policy' | 'address', rule: string): string {
  const ip = destination.kind === 'address' ? destination.ip : undefined;
  return remedyOf({ host: destination.host, ip, port: destination.port, reason, rule });
}
