/** Explains OpenSSL's errors for a client whose TLS failed. */
import type { TlsFault } from '../transport.ts';

/** Why TLS with a client failed. */
export interface TlsFailure {
  /** A clause fit for a log. */
  readonly why: string;
  readonly fault: TlsFault;
}

/** Undefined for an error that is not OpenSSL's: that is an error of the connection, not of TLS. */
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

/** OpenSSL names the version in which an alert was received: `sslv3 alert bad certificate`, and from 3.2 on `ssl/tls alert ...`. */
const RECEIVED_ALERT = /^(?:sslv3|tlsv1|tlsv13|ssl\/tls) alert (.+)$/;

/** The alerts by which clients refuse the certificate they were shown (RFC 8446 §6.2). */
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
