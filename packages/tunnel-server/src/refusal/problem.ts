/** A refusal as problem JSON (RFC 9457), for programs. */
import type { RefusalReason, TunnelError } from '../reasons.ts';

/** The facts of the refused tunnel that a refusal names. */
export interface RefusedTunnel {
  readonly id: string;
  /** The door's name. */
  readonly listener: string;
  /** Its destination, if that is known. */
  readonly destination?: { readonly host: string; readonly port: number } | undefined;
}

/** The words of the refusal, which the reply has in its other forms too. */
export interface ProblemParts {
  readonly status: number;
  /** The status in words. */
  readonly title: string;
  readonly sentence: string;
}

/** The document as text. What is unknown, or not for the client, is left out. */
export function writeProblem(error: TunnelError, tunnel: RefusedTunnel, parts: ProblemParts): string {
  const { status, title, sentence } = parts;
  const problem = {
    // It says no more than the status (RFC 9457 §4.2.1); `reason` says the rest.
    type: 'about:blank',
    title,
    status,
    detail: sentence,
    reason: error.reason,
    rule: error.rule,
    host: tunnel.destination?.host,
    port: tunnel.destination?.port,
    listener: tunnel.listener,
    id: tunnel.id,
    remedy: error.remedy ?? REMEDIES[error.reason],
  };
  return `${JSON.stringify(problem)}\n`;
}

const MEND_REQUEST = 'Correct the request as the detail says.';
const LOOK_AT_DESTINATION = 'Check whether the destination is up, and try again later.';
const LOOK_AT_NAME = 'Check the spelling of the name, and whether it exists.';
const ASK_LATER = 'Try again later.';
const ASK_OPERATOR = 'Ask the operator of this proxy, and name the id.';
const OTHER_DOOR = 'Use the port of this proxy that the client is meant for.';

/** What the client can do. */
const REMEDIES: Readonly<Record<RefusalReason, string>> = {
  malformed: MEND_REQUEST,
  too_large: 'Send a smaller head, or ask the operator of this proxy to raise limits.handshake_bytes.',
  handshake_timeout: 'Send the whole head at once.',
  method: 'Use CONNECT, or ask the operator of this proxy for http: forward.',
  auth: 'Send the user name and the password that the operator of this proxy gave out.',
  policy: 'Ask the operator of this proxy for a rule that allows the destination.',
  address: 'Ask the operator of this proxy whether the address of the destination can be allowed.',
  loop: 'Ask for the destination itself, and not for this proxy.',
  client_limit: 'Open fewer connections at once, or wait as long as Retry-After says.',
  overload: ASK_LATER,
  dns: LOOK_AT_NAME,
  dns_timeout: ASK_LATER,
  refused: LOOK_AT_DESTINATION,
  unreachable: LOOK_AT_DESTINATION,
  connect_timeout: LOOK_AT_DESTINATION,
  egress: ASK_OPERATOR,
  upstream_closed: LOOK_AT_DESTINATION,
  upstream_reset: LOOK_AT_DESTINATION,
  bad_response: 'Check the answer of the destination.',
  idle: LOOK_AT_DESTINATION,
  lifetime: ASK_LATER,
  no_sni: 'Name the host in the ClientHello.',
  ech: 'Turn encrypted ClientHello off.',
  sni_mismatch: 'Name the same host in the CONNECT and in the ClientHello.',
  not_tls: OTHER_DOOR,
  misdirected: OTHER_DOOR,
  proxy_protocol: ASK_OPERATOR,
  client_closed: ASK_LATER,
  probe: ASK_LATER,
  certificate: 'Trust the certificate of this proxy.',
  internal: ASK_OPERATOR,
  drain: ASK_LATER,
  admin: 'Ask the operator of this proxy.',
};
