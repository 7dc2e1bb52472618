/** Which certificates we trust where we are the TLS client. */
import { createSecureContext, type SecureContext } from 'node:tls';
import { whyUnfit } from './authorities.ts';

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
  const why = whyUnfit(ca);
  return why === undefined
    ? { kind: 'ok', trust: { secureContext: createSecureContext({ ca }) } }
    : { kind: 'unfit', why };
}
