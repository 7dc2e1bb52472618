/** Files of authorities: certificates in PEM, one behind the other. */
import { X509Certificate } from 'node:crypto';

/**
 * Why the text cannot be used, as a clause; undefined where each certificate in it can be read. OpenSSL takes those before the first
 * damaged one, and says nothing: the peers of all others would be refused.
 */
export function whyUnfit(pem: string): string | undefined {
  const starts = [...pem.matchAll(BEGINNING)].map(({ index }) => index);
  const damaged = starts.findIndex((start, at) => readCertificate(pem.slice(start, starts[at + 1])) === undefined);
  if (starts.length > 0 && damaged < 0) return undefined;
  if (starts.length > 1)
    return `has ${starts.length} certificates, of which number ${damaged + 1} is damaged; copy it anew`;
  return 'is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----';
}

/** The first certificate in the text, in PEM. */
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
