/** A throw-away certificate authority, made by openssl once a test file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  /** For who checks the certificate: `curl --cacert`, `client_ca`. */
  readonly caFile: string;
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate for `names`, signed by a new authority. The first is its common name, by which a client is known. */
export function makeCertificates(names: readonly string[]): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ca-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  );
  openssl('req', ...NEW_KEY, '-keyout', file('key.pem'), '-out', file('req.pem'), '-subj', `/CN=${names[0] ?? 'test'}`);
  const alternatives = names.map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
  writeFileSync(file('ext'), `subjectAltName=${alternatives}`);
  const authority = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    file('req.pem'),
    ...authority,
    '-out',
    file('cert.pem'),
    '-days',
    '2',
    '-extfile',
    file('ext'),
  );
  return {
    caFile: file('ca.crt'),
    cert: readFileSync(file('cert.pem'), 'utf8'),
    key: readFileSync(file('key.pem'), 'utf8'),
    certFile: file('cert.pem'),
    keyFile: file('key.pem'),
  };
}

/** A certificate that signs itself and is valid between two years. `openssl req` has no option for that before OpenSSL 3.4. */
export function makeCertificateOf(years: {
  readonly from: number;
  readonly to: number;
}): Pick<Certificates, 'cert' | 'key'> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ca-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(join(folder, 'index'), '');
  writeFileSync(join(folder, 'ca.cnf'), CA_SETTINGS);
  openssl('req', ...NEW_KEY, '-keyout', 'key.pem', '-out', 'req.pem', '-subj', '/CN=Test');
  const span = ['-startdate', `${years.from}0101000000Z`, '-enddate', `${years.to}0101000000Z`];
  openssl(
    'ca',
    '-batch',
    '-selfsign',
    '-config',
    'ca.cnf',
    '-keyfile',
    'key.pem',
    '-in',
    'req.pem',
    ...span,
    '-out',
    'cert.pem',
    '-notext',
  );
  return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
}

const CA_SETTINGS = `[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;
