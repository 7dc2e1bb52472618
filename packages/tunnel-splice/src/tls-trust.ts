/** Which certificates we trust where we are the TLS client. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** Ready for use; shared by all connections. */
export interface TlsTrust {
  readonly secureContext: SecureContext;
}

/** `unfit`: the certificates cannot be used. */
export type TlsTrustResult =
  | { readonly kind: 'ok'; readonly trust: TlsTrust }
  /** `why` is a clause with cause and remedy. */
  | { readonly kind: 'unfit'; readonly why: string };

/**
 * @param ca certificates in PEM: the peer's certificate must be one of them or be signed by one. Left out: the authorities that Node.js
 * knows
 */
export function createTlsTrust(ca?: string): TlsTrustResult {
  if (ca === undefined) return { kind: 'ok', trust: { secureContext: createSecureContext() } };
  try {
    new X509Certificate(ca);
    return { kind: 'ok', trust: { secureContext: createSecureContext({ ca }) } };
  } catch {
    return { kind: 'unfit', why: 'is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----' };
  }
}
