/**
 * The one table of the reasons why tunnels end before they are up: reason -> reply, log and metric.
 *
 * The reason is the same word in the access log, the metrics and the tests. A reason without an entry here does not compile.
 */

import type { Address } from '@sallyport/tunnel-splice';
import type { HelloFacts } from './hello-facts.ts';

/** TLS alert descriptions (RFC 8446 §6, RFC 6066 §9) that a door sends. */
export const ALERT = {
  unexpected_message: 10,
  access_denied: 49,
  decode_error: 50,
  internal_error: 80,
  missing_extension: 109,
  unrecognized_name: 112,
} as const;

/** As RFC 8446 §6 spells it. */
export type AlertName = keyof typeof ALERT;

/** Proxy error types of RFC 9209 §2.3. */
export type ProxyError =
  | 'connection_limit_reached'
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'destination_ip_prohibited'
  | 'destination_ip_unroutable'
  | 'dns_error'
  | 'dns_timeout'
  | 'http_protocol_error'
  | 'http_request_denied'
  | 'http_request_error'
  | 'http_response_timeout'
  | 'http_upgrade_failed'
  | 'proxy_internal_error'
  | 'proxy_loop_detected';

/** Who ended it: we (`refused`), or the destination, the resolver, a parent, or a client that left (`failed`). */
export type FailureOutcome = 'refused' | 'failed';

/** What one reason means on the wire, in the log and in the metrics. */
export interface Refusal {
  /** `ok`: the client asked for nothing, so nothing failed. */
  readonly outcome: 'ok' | FailureOutcome;
  /** The explicit door's answer; left out where it only closes. */
  readonly http?: { readonly status: number; readonly proxyError: ProxyError };
  /** The transparent door's answer; left out where it only closes. */
  readonly alert?: AlertName;
  /** The level of the log line. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

const answer = (
  outcome: FailureOutcome,
  level: Refusal['level'],
  status: number,
  proxyError: ProxyError,
  alert?: AlertName,
): Refusal => ({ outcome, level, http: { status, proxyError }, ...(alert && { alert }) });

/** By reason. */
export const REFUSALS = {
  malformed: answer('refused', 'info', 400, 'http_request_error', 'decode_error'),
  too_large: answer('refused', 'info', 431, 'http_request_error', 'decode_error'),
  handshake_timeout: answer('refused', 'info', 408, 'http_request_error'),
  method: answer('refused', 'info', 405, 'http_request_error'),
  auth: answer('refused', 'info', 407, 'http_request_denied'),
  policy: answer('refused', 'warn', 403, 'http_request_denied', 'access_denied'),
  address: answer('refused', 'warn', 403, 'destination_ip_prohibited', 'access_denied'),
  loop: answer('refused', 'warn', 502, 'proxy_loop_detected', 'internal_error'),
  client_limit: answer('refused', 'warn', 429, 'http_request_denied', 'internal_error'),
  overload: answer('refused', 'warn', 503, 'connection_limit_reached', 'internal_error'),
  dns: answer('failed', 'info', 502, 'dns_error', 'unrecognized_name'),
  dns_timeout: answer('failed', 'warn', 504, 'dns_timeout', 'internal_error'),
  refused: answer('failed', 'info', 502, 'connection_refused', 'internal_error'),
  unreachable: answer('failed', 'warn', 502, 'destination_ip_unroutable', 'internal_error'),
  connect_timeout: answer('failed', 'warn', 504, 'connection_timeout', 'internal_error'),
  egress: answer('failed', 'warn', 502, 'http_upgrade_failed', 'internal_error'),
  // For a forwarded request that the destination took and did not answer. Once the answer has begun, it ends as a tunnel does.
  drain: answer('refused', 'info', 503, 'connection_limit_reached'),
  admin: answer('refused', 'info', 403, 'http_request_denied'),
  upstream_closed: answer('failed', 'info', 502, 'connection_terminated'),
  upstream_reset: answer('failed', 'info', 502, 'connection_terminated'),
  bad_response: answer('failed', 'warn', 502, 'http_protocol_error'),
  idle: answer('failed', 'info', 504, 'http_response_timeout'),
  lifetime: answer('failed', 'info', 504, 'http_response_timeout'),
  no_sni: { outcome: 'refused', level: 'info', alert: 'missing_extension' },
  ech: { outcome: 'refused', level: 'warn', alert: 'access_denied' },
  sni_mismatch: { outcome: 'refused', level: 'warn', alert: 'access_denied' },
  not_tls: { outcome: 'refused', level: 'info' },
  misdirected: { outcome: 'refused', level: 'info' },
  proxy_protocol: { outcome: 'refused', level: 'warn' },
  client_closed: { outcome: 'failed', level: 'info' },
  // The client does not accept the certificate of a TLS door: it reads no answer.
  certificate: { outcome: 'failed', level: 'warn' },
  // A balancer checks every few seconds whether the port is open.
  probe: { outcome: 'ok', level: 'debug' },
  internal: answer('failed', 'error', 500, 'proxy_internal_error', 'internal_error'),
} as const satisfies Record<string, Refusal>;

/** Why a tunnel was never up. */
export type RefusalReason = keyof typeof REFUSALS;

/** The stages of a tunnel's life, in the order of {@link serveTunnel}. */
export const STAGES = ['admit', 'identify', 'policy', 'resolve', 'dial', 'verify', 'relay'] as const;

/** Where in its life a tunnel was. */
export type Stage = (typeof STAGES)[number];

/** What a TunnelError carries besides its reason and its sentence: see its fields. */
export interface TunnelErrorContext {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  readonly hello?: HelloFacts;
  readonly detail?: string | undefined;
  readonly status?: number;
  readonly proxyError?: ProxyError;
  readonly rule?: string | undefined;
  readonly remedy?: string | undefined;
  readonly isVerbatim?: boolean;
  readonly rcode?: string | undefined;
  readonly claimedUser?: string | undefined;
  readonly upstream?: Address | undefined;
  readonly outcome?: FailureOutcome;
}

/** Everything that ends a tunnel before it is up is thrown as this, once, where it is found. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  readonly reason: RefusalReason;
  /** How long the client should wait before it tries again, in seconds (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds: number | undefined;
  /** The facts of the ClientHello, where one was read and then refused. */
  readonly hello: HelloFacts | undefined;

  /** The sentence for the log: it may name addresses and rules that the client must not know. */
  readonly detail: string;
  /** In place of the reason's usual status. */
  readonly status: number | undefined;
  /** In place of the reason's usual error in Proxy-Status. */
  readonly proxyError: ProxyError | undefined;
  /** The rule that refused, where the client may know it. */
  readonly rule: string | undefined;
  /** What the client can do, in place of the reason's usual remedy. */
  readonly remedy: string | undefined;
  /** The sentence ends with the operator's own words, which stay as they are. */
  readonly isVerbatim: boolean;
  /** The code of a name server's answer, such as `NXDOMAIN`, for Proxy-Status (RFC 9209 §2.3.2). */
  readonly rcode: string | undefined;
  /** The user whose password was wrong, if that user exists: only for the log. */
  readonly claimedUser: string | undefined;
  /** The address that was dialled in vain; of several, the one whose failure it is. Only for the log. */
  readonly upstream: Address | undefined;
  /** In place of the reason's usual outcome, where another one than usual was late. */
  readonly outcome: FailureOutcome | undefined;

  /** @param sentence for the client, and for the log unless there is a `detail`: no secret, and nothing unescaped that the client sent. */
  constructor(reason: RefusalReason, sentence: string, context: TunnelErrorContext = {}) {
    super(sentence, { cause: context.cause });
    this.reason = reason;
    this.retryAfterSeconds = context.retryAfterSeconds;
    this.hello = context.hello;
    this.detail = context.detail ?? sentence;
    this.status = context.status;
    this.proxyError = context.proxyError;
    this.rule = context.rule;
    this.remedy = context.remedy;
    this.isVerbatim = context.isVerbatim ?? false;
    this.rcode = context.rcode;
    this.claimedUser = context.claimedUser;
    this.upstream = context.upstream;
    this.outcome = context.outcome;
  }
}

/** An error that is not a TunnelError is our own fault: the client gets a 500, and the log the stack (`internal`). */
export function toTunnelError(cause: unknown): TunnelError {
  if (cause instanceof TunnelError) return cause;
  return new TunnelError('internal', 'Sallyport made a mistake; its log has the details.', { cause });
}
