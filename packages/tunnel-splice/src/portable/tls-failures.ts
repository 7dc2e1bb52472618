/** What OpenSSL says of a client whose TLS went wrong, in words that send the reader to the right place. */
import type { TlsFault } from '../transport.ts';

export interface TlsFailure {
  /** A clause fit for a log. */
  readonly why: string;
  readonly fault: TlsFault;
}

/** Undefined of whatever is no word of OpenSSL's: that is the connection which broke, and no failure of TLS. */
export function explainTlsError(error: Error): TlsFailure | undefined {
  if (!('reason' in error)) return undefined;
  const reason = String(error.reason);
  if (reason === NO_CERTIFICATE) return { why: 'the client showed no certificate', fault: 'client-certificate' };
  const alert = RECEIVED_ALERT.exec(reason)?.[1];
  if (alert === undefined) return { why: `TLS says ${reason}`, fault: 'form' };
  return CERTIFICATE_ALERTS.has(alert)
    ? { why: `the client does not accept the certificate of this door (alert ${alert})`, fault: 'own-certificate' }
    : { why: `the client ended it with the alert ${alert}`, fault: 'alert' };
}

const NO_CERTIFICATE = 'peer did not return a certificate';

/** OpenSSL names the version in which an alert came up: `sslv3 alert bad certificate`, and from 3.2 on `ssl/tls alert ...`. */
const RECEIVED_ALERT = /^(?:sslv3|tlsv1|tlsv13|ssl\/tls) alert (.+)$/;

/** How clients say that they do not trust, or do not like, the certificate they were shown (RFC 8446 §6.2). */
const CERTIFICATE_ALERTS: ReadonlySet<string> = new Set([
  'bad certificate',
  'unsupported certificate',
  'certificate revoked',
  'certificate expired',
  'certificate unknown',
  'unknown ca',
  'bad certificate status response',
  'bad certificate hash value',
]);
