/** What a listener that speaks TLS shows its clients, and what it asks them to show. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** PEM texts. */
export interface TlsMaterial {
  /** The certificate, and behind it those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of clients. With it, a client must show a certificate that one of them signed. */
  readonly clientCa?: string;
}

/** Ready for use; shared by all connections. */
export interface TlsIdentity {
  readonly secureContext: SecureContext;
  readonly asksForCertificate: boolean;
  /** Names the authorities whose certificates it asks for, if any: of two identities the same only where these are. */
  readonly authorities?: string;
  readonly validTo: Date;
}

export type TlsIdentityResult =
  | { readonly kind: 'ok'; readonly identity: TlsIdentity }
  /** `why` is a clause with cause and remedy, and nothing of the key. */
  | { readonly kind: 'unfit'; readonly part: keyof TlsMaterial; readonly why: string };

/** Checks what it is given part by part, so that it can say which one is unfit. */
export function createTlsIdentity({ cert, key, clientCa }: TlsMaterial): TlsIdentityResult {
  const certificate = readCertificate(cert);
  if (!certificate) return unfit('cert', 'is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----');
  const privateKey = readKey(key);
  if (typeof privateKey === 'string') return unfit('key', privateKey);
  if (!certificate.checkPrivateKey(privateKey))
    return unfit('key', "is not the certificate's key; give the one it was made with");
  if (clientCa !== undefined && !readCertificate(clientCa)) {
    return unfit(
      'clientCa',
      'is no certificate in PEM; give that of the authority which signs the certificates of clients',
    );
  }
  return createContext({ cert, key, ...(clientCa !== undefined && { clientCa }) }, certificate);
}

/** Whatever remains is about the certificate as OpenSSL sees it: a key too short for its security level, say, or a broken chain. */
function createContext({ cert, key, clientCa }: TlsMaterial, certificate: X509Certificate): TlsIdentityResult {
  // A session is resumed without showing the certificate again: only one that asked for the same may be (SSL_CTX_set_session_id_context(3)).
  const authorities = createHash('sha256')
    .update(clientCa ?? '')
    .digest('hex')
    .slice(0, 32);
  try {
    const secureContext = createSecureContext({
      cert,
      key,
      sessionIdContext: authorities,
      ...(clientCa !== undefined && { ca: clientCa }),
    });
    const validTo = new Date(certificate.validTo);
    const asking = clientCa === undefined ? { asksForCertificate: false } : { asksForCertificate: true, authorities };
    return { kind: 'ok', identity: { secureContext, ...asking, validTo } };
  } catch (cause) {
    return unfit('cert', `cannot be used: ${explain(cause)}; renew it`);
  }
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Its only way to say no.
    return undefined;
  }
}

function readKey(pem: string): KeyObject | string {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return 'has a passphrase, and nobody is there to type it; remove it with openssl pkey';
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return 'is no private key in PEM; it begins with -----BEGIN PRIVATE KEY----- or the like';
  }
}

/** OpenSSL's own word, such as `ee key too small`. */
function explain(cause: unknown): string {
  if (cause instanceof Error && 'reason' in cause) return String(cause.reason);
  return cause instanceof Error ? cause.message : String(cause);
}

function unfit(part: keyof TlsMaterial, why: string): TlsIdentityResult {
  return { kind: 'unfit', part, why };
}
