/** The words for what a parent has done in place of answering, as clauses. */
import type { Departure, Leg } from '@sallyport/tunnel-splice';

export const UNANSWERED: Readonly<Record<Departure, string>> = {
  end: 'closed the connection without an answer',
  reset: 'reset the connection without an answer',
};
export const TLS_FAILED = 'failed to speak TLS';

/** Why TLS has failed after the handshake was over for us; undefined where it has not. */
export function tlsFailureOf({ tls }: Pick<Leg, 'tls'>): string | undefined {
  return tls?.kind === 'failed' ? `${TLS_FAILED}: ${tls.why}` : undefined;
}
