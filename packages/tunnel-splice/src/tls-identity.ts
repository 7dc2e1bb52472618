/** The certificate that a TLS listener shows its clients, and the certificates that it asks for. */
import { constants, createHash, createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { readCertificate, whyUnfit } from './authorities.ts';

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

/** An identity, or the parts that cannot be used: one at least, in the order of {@link TlsMaterial}. */
export type TlsIdentityResult =
  | { readonly kind: 'ok'; readonly identity: TlsIdentity }
  | { readonly kind: 'unfit'; readonly parts: readonly UnfitPart[] };

export interface UnfitPart {
  readonly part: keyof TlsMaterial;
  /** A clause with cause and remedy. It contains nothing of the key. */
  readonly why: string;
}

/** Throws nothing: what cannot be used is in the result. */
export function createTlsIdentity(material: TlsMaterial): TlsIdentityResult {
  const parts = findUnfitParts(material);
  const certificate = readCertificate(material.cert);
  return parts.length > 0 || !certificate ? { kind: 'unfit', parts } : createContext(material, certificate);
}

/** PEM texts, as far as they are known. */
export type TlsParts = { readonly [Part in keyof TlsMaterial]?: string | undefined };

/** Checks part by part, so that it can say which ones are unfit. */
export function findUnfitParts({ cert, key, clientCa }: TlsParts): readonly UnfitPart[] {
  return [
    ...unfit('cert', cert === undefined ? undefined : whyUnfit(cert)),
    ...unfit('key', key === undefined ? undefined : whyNotTheKey(key, cert)),
    ...unfit('clientCa', clientCa === undefined ? undefined : whyUnfit(clientCa)),
  ];
}

function unfit(part: keyof TlsMaterial, why: string | undefined): readonly UnfitPart[] {
  return why === undefined ? [] : [{ part, why }];
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
    return { kind: 'unfit', parts: unfit('cert', `cannot be used: ${explain(cause)}; renew it`) };
  }
}

function whyNotTheKey(pem: string, cert = ''): string | undefined {
  const key = readKey(pem);
  if (typeof key === 'string') return key;
  const isAnother = readCertificate(cert)?.checkPrivateKey(key) === false;
  return isAnother ? "is not the certificate's key; give the one it was made with" : undefined;
}

function readKey(pem: string): KeyObject | string {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return 'has a passphrase, which cannot be asked for; remove it with openssl pkey';
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/m.test(pem)
      ? 'has a private key that is damaged or cut short; copy it anew'
      : 'is no private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or the like';
  }
}

/** OpenSSL's own message, such as `ee key too small`. */
function explain(cause: unknown): string {
  if (cause instanceof Error && 'reason' in cause) return String(cause.reason);
  return cause instanceof Error ? cause.message : String(cause);
}
