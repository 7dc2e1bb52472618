/** Files of certificates in PEM, one behind the other. */
import { X509Certificate } from 'node:crypto';

/**
 * Why the text cannot be used, as a clause; undefined where each certificate in it can be read. OpenSSL takes those before the first
 * damaged one, and says nothing: the peers of all others would be refused.
 */
export function whyUnfit(pem: string): string | undefined {
  const certificates = readCertificates(pem);
  if (certificates.length === 0) return 'is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----';
  const damaged = certificates.indexOf(undefined);
  if (damaged < 0) return undefined;
  if (certificates.length === 1) return 'has a certificate that is damaged or cut short; copy it anew';
  return `has ${certificates.length} certificates, of which number ${damaged + 1} is damaged or cut short; copy it anew`;
}

/** All certificates in the text, in its order; undefined for one that is damaged. */
export function readCertificates(pem: string): readonly (X509Certificate | undefined)[] {
  const starts = [...pem.matchAll(BEGINNING)].map(({ index }) => index);
  return starts.map((start, at) => readCertificate(pem.slice(start, starts[at + 1])));
}

/** The first certificate in the text; undefined where none can be read. */
export function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Its only way to refuse.
    return undefined;
  }
}

/** All three names are in use; OpenSSL reads each, and one behind a byte order mark too. */
const BEGINNING = /^\ufeff?-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/gm;
