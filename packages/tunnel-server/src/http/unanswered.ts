/** The error for a request whose exchange ended before there was a response for the client. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { RelayResult } from '../account/tunnel-record.ts';
import { tlsFailureOf, UNANSWERED as LEFT_UNANSWERED } from '../egress/parent-faults.ts';
import { type RefusalReason, TunnelError } from '../reasons.ts';
import { statusPhrase } from './status-phrase.ts';

/** The client got nothing but interim responses. */
export interface Unanswered {
  readonly kind: 'unanswered';
  readonly error: TunnelError;
  /** What the proxy has done that was asked to forward the request, where it has failed. */
  readonly parent?: 'down' | 'silent';
}

/**
 * Names who has failed.
 * @param isRequestAwaited the client has not sent all of its request
 * @param forwarder the egress whose proxy was asked to forward the request, and its leg
 */
export function unanswered(
  cause: RelayResult['end'],
  isRequestAwaited: boolean,
  forwarder?: { readonly name: string; readonly leg: Pick<Leg, 'tls'> },
): Unanswered {
  // Neither the destination nor a proxy is at fault.
  if (cause === 'idle' && isRequestAwaited) return { kind: 'unanswered', error: new TunnelError(...LATE_REQUEST) };
  const failure = PARENT_FAILURES[cause];
  if (forwarder === undefined || failure === undefined)
    return { kind: 'unanswered', error: new TunnelError(...UNANSWERED[cause]) };
  const { what, parent, status } = failure;
  const detail = `The egress ${forwarder.name} ${tlsFailureOf(forwarder.leg) ?? what}.`;
  const error = new TunnelError('egress', `The proxy beyond this one ${what}.`, { detail, ...(status && { status }) });
  return { kind: 'unanswered', error, parent };
}

/** The proxy has asked for credentials that it was not given, or refuses those that it was given. */
export function unauthorised(forwarder: string): TunnelError {
  const detail = `The egress ${forwarder} answered 407 ${statusPhrase(407)}.`;
  return new TunnelError('egress', 'The proxy beyond this one refused the request (status 407).', { detail });
}

const LATE_REQUEST = [
  'idle',
  'The rest of the request did not come in time.',
  {
    status: 408,
    proxyError: 'http_request_error',
    remedy: 'Send the whole request without a long pause.',
    outcome: 'refused',
  },
] as const;

interface ParentFailure {
  readonly what: string;
  readonly parent: 'down' | 'silent';
  readonly status?: number;
}

const PARENT_FAILURES: Partial<Record<RelayResult['end'], ParentFailure>> = {
  upstream_closed: { what: LEFT_UNANSWERED.end, parent: 'down' },
  upstream_reset: { what: LEFT_UNANSWERED.reset, parent: 'down' },
  idle: { what: 'did not answer in time', parent: 'silent', status: 504 },
};

const UNANSWERED: Readonly<Record<RelayResult['end'], readonly [reason: RefusalReason, sentence: string]>> = {
  client_closed: ['client_closed', 'The client left before its request was answered.'],
  client_reset: ['client_closed', 'The client left before its request was answered.'],
  upstream_closed: ['upstream_closed', 'The destination closed the connection without an answer.'],
  upstream_reset: ['upstream_reset', 'The destination reset the connection without an answer.'],
  idle: ['idle', 'The destination did not answer in time.'],
  half_close: ['idle', 'The destination did not answer in time.'],
  lifetime: ['lifetime', 'The destination did not answer within the lifetime of the connection.'],
  drain: ['drain', 'Sallyport ended before the destination answered.'],
  policy: ['policy', 'The rules of a reload deny the request.'],
  admin: ['admin', 'An operator ended the request before the destination answered.'],
};
