/** The certificate that a TLS listener shows its clients, and the certificates that it asks for. */
import { constants, createHash, createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { NO_CERTIFICATE, readCertificate, whyUnfit } from './authorities.ts';

/** PEM texts. */
export interface TlsMaterial {
  /** The certificate, followed by those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of clients. With it, a client must show a certificate that one of them has signed. */
  readonly clientCa?: string;
}

/** Ready for use; shared by all connections. */
export interface TlsIdentity {
  readonly secureContext: SecureContext;
  readonly asksForCertificate: boolean;
  /** Identifies the authorities whose certificates it asks for, if any: equal for two identities only where these are equal. */
  readonly authorities?: string;
  readonly validTo: Date;
}

/** An identity, or the part that cannot be used. */
export type TlsIdentityResult =
  | { readonly kind: 'ok'; readonly identity: TlsIdentity }
  /** `why` is a clause with cause and remedy. It contains nothing of the key. */
  | { readonly kind: 'unfit'; readonly part: keyof TlsMaterial; readonly why: string };

/** Checks its parts one by one, so that it can say which one is unfit. */
export function createTlsIdentity({ cert, key, clientCa }: TlsMaterial): TlsIdentityResult {
  const certificate = readCertificate(cert);
  if (!certificate) return unfit('cert', NO_CERTIFICATE);
  const privateKey = readKey(key);
  if (typeof privateKey === 'string') return unfit('key', privateKey);
  if (!certificate.checkPrivateKey(privateKey))
    return unfit('key', "is not the certificate's key; give the one it was made with");
  const why = clientCa === undefined ? undefined : whyUnfit(clientCa);
  if (why !== undefined) return unfit('clientCa', why);
  return createContext({ cert, key, ...(clientCa !== undefined && { clientCa }) }, certificate);
}

/** The remaining errors are OpenSSL's about the certificate: a key too short for its security level, for example, or a broken chain. */
function createContext({ cert, key, clientCa }: TlsMaterial, certificate: X509Certificate): TlsIdentityResult {
  // A resumed session shows no certificate again. So it may be resumed only where the same authorities were asked for
  // (SSL_CTX_set_session_id_context(3)).
  const authorities = createHash('sha256')
    .update(clientCa ?? '')
    .digest('hex')
    .slice(0, 32);
  try {
    const secureContext = createSecureContext({
      cert,
      key,
      sessionIdContext: authorities,
      // A client of TLS 1.2 could make us repeat the costly half of a handshake again and again (CVE-2011-1473). `disableRenegotiation`
      // works only for the sockets of a `tls.Server`.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ...(clientCa !== undefined && { ca: clientCa }),
    });
    const validTo = new Date(certificate.validTo);
    const asking = clientCa === undefined ? { asksForCertificate: false } : { asksForCertificate: true, authorities };
    return { kind: 'ok', identity: { secureContext, ...asking, validTo } };
  } catch (cause) {
    return unfit('cert', `cannot be used: ${explain(cause)}; renew it`);
  }
}

function readKey(pem: string): KeyObject | string {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return 'has a passphrase, which cannot be asked for; remove it with openssl pkey';
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return 'is no private key in PEM; it begins with -----BEGIN PRIVATE KEY----- or the like';
  }
}

/** OpenSSL's own message, such as `ee key too small`. */
function explain(cause: unknown): string {
  if (cause instanceof Error && 'reason' in cause) return String(cause.reason);
  return cause instanceof Error ? cause.message : String(cause);
}

function unfit(part: keyof TlsMaterial, why: string): TlsIdentityResult {
  return { kind: 'unfit', part, why };
}
