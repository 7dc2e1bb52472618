/** What the explicit door requires of TLS with its clients, and what a client's leaving means in each state of it. */
import { departed, malformedRequest, type RefusalReason, TunnelError } from '@sallyport/tunnel-server';
import type { Leg, TlsFault, TlsState } from '@sallyport/tunnel-splice';
import type { Opening } from './read-opening.ts';

type SecuredTls = Extract<TlsState, { kind: 'secured' }>;

/** Throws `overload`: the limits had no room for the client when it was accepted, so it got no handshake. They may have room now. */
export function requireHandshake({ tls }: Leg): void {
  if (tls?.kind === 'withheld')
    throw new TunnelError('overload', 'The limits had no room for this client when it connected.');
}

/** Throws `malformed`: a client with plain HTTP at a TLS door gets a reply in plain HTTP, but is never served. */
export function requireTls({ tls }: Leg, { kind }: Opening, speaksTls = false): void {
  const isPlain = tls === undefined ? speaksTls && kind !== 'tls' : tls.kind === 'absent';
  if (!isPlain || kind === 'left' || kind === 'timed-out' || kind === 'socks') return;
  const isHttp = kind === 'request' || kind === 'too-large';
  throw malformedRequest(`it is ${isHttp ? 'plain HTTP' : 'no TLS'}, and this door speaks TLS`);
}

/**
 * Throws `auth`: a connection may be older than the door's present authorities, or than its asking for certificates, or its certificate may
 * have expired. A new connection is checked again.
 */
export function currentCertificate({ tls }: Leg, authorities: string): Pick<SecuredTls, 'peerName'> {
  if (tls?.kind !== 'secured' || tls.authorities !== authorities)
    throw new TunnelError('auth', 'This connection is older than the authorities whose certificates count now.');
  if (tls.expiresAt !== undefined && tls.expiresAt < Date.now())
    throw new TunnelError('auth', "The client's certificate has expired since this connection began.");
  return tls;
}

/** What the client has to complete next. */
export function awaitedOf({ tls }: Leg): string {
  return tls?.kind === 'awaited' || tls?.kind === 'under-way' ? 'TLS handshake' : 'request head';
}

/** A leg is closed when its TLS fails: the client could not read a reply in HTTP, and TLS has sent its alert. */
export function whyGone(client: Leg, saidBytes: number): TunnelError {
  const { tls } = client;
  switch (tls?.kind) {
    case 'failed':
      return new TunnelError(TLS_FAULTS[tls.fault], `TLS with the client failed: ${tls.why}.`);
    case 'under-way':
      return new TunnelError('client_closed', 'The client left before its TLS handshake was complete.');
    case 'secured':
      if (saidBytes > 0 || isOfBalancer(client)) break;
      // Some programs check the names in a certificate only after the handshake.
      return new TunnelError(
        'client_closed',
        'The client left right behind its TLS handshake: does it accept the certificate?',
      );
    case 'awaited':
    case 'absent':
    case 'withheld':
    case undefined:
      break;
  }
  return departed(saidBytes, 'its request head was complete');
}

/** It stands behind a PROXY header that names nobody: the balancer checks whether the door, with its TLS, is up. */
function isOfBalancer({ introduction }: Leg): boolean {
  return introduction !== undefined && introduction.remote === undefined;
}

const TLS_FAULTS = {
  'client-certificate': 'auth',
  'own-certificate': 'certificate',
  alert: 'client_closed',
  form: 'malformed',
} as const satisfies Record<TlsFault, RefusalReason>;
