/** Files of authorities: certificates in PEM, one behind the other. */
import { X509Certificate } from 'node:crypto';

/** Why a text has no certificate, as a clause with its remedy. */
export const NO_CERTIFICATE = 'is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----';

/**
 * Why the text cannot be used, as a clause; undefined where each certificate in it can be read. OpenSSL takes those before the first
 * damaged one, and says nothing: the peers of all others would be refused.
 */
export function whyUnfit(pem: string): string | undefined {
  const certificates = readCertificates(pem);
  const damaged = certificates.indexOf(undefined);
  if (certificates.length > 0 && damaged < 0) return undefined;
  if (certificates.length > 1)
    return `has ${certificates.length} certificates, of which number ${damaged + 1} is damaged; copy it anew`;
  return NO_CERTIFICATE;
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

/** All three names are in use; OpenSSL reads each. */
const BEGINNING = /^-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/gm;
