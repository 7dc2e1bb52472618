/** Certificates for the tests, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem'];

/** A certificate for `subject` (`/CN=name`), signed by `issuer` or by itself. */
export function makeCertificate(subject: string, issuer?: Pair): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'));
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  try {
    if (issuer) {
      openssl('req', ...NEW_KEY, '-subj', subject, '-out', 'request.pem');
      writeFileSync(join(folder, 'issuer.pem'), issuer.cert + issuer.key);
      const sign = ['-CA', 'issuer.pem', '-CAkey', 'issuer.pem', '-CAcreateserial', '-days', '2'];
      openssl('x509', '-req', '-in', 'request.pem', ...sign, '-out', 'cert.pem');
    } else {
      openssl('req', '-x509', ...NEW_KEY, '-subj', subject, '-days', '2', '-out', 'cert.pem');
    }
    return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
