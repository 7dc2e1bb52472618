/** Decides from a request head what the client asks the explicit door for. */
import type { Destination } from '@sallyport/policy';
import { findDoubtfulField, parseAuthority, type RequestHead } from '@sallyport/tunnel-server';

/** What a request head asks the explicit door for. */
export type ConnectRequest =
  | { readonly kind: 'connect'; readonly destination: Destination }
  /** Well formed, but another method than CONNECT. */
  | { readonly kind: 'other-method' }
  | { readonly kind: 'malformed'; readonly why: string };

/** Reads a CONNECT from a request head: its destination, unless a part of the head is ambiguous (RFC 9110 §9.3.6). */
export function parseConnectRequest(head: RequestHead): ConnectRequest {
  if (head.method !== 'CONNECT') return { kind: 'other-method' };

  const destination = parseAuthority(head.requestTarget);
  if (destination.kind === 'malformed') return destination;
  const doubtful = findBodyFraming(head) ?? findDoubtfulField(head);
  return doubtful === undefined ? { kind: 'connect', destination } : { kind: 'malformed', why: doubtful };
}

/**
 * Finds fields that announce a body. A CONNECT has none: what follows its head belongs to the tunnel, so a body and early bytes look the
 * same, and another proxy may separate them elsewhere. One `Content-Length: 0` means none.
 */
function findBodyFraming({ fields }: RequestHead): string | undefined {
  if (fields.some(({ name }) => name === 'transfer-encoding')) return 'a CONNECT has no Transfer-Encoding';
  const lengths = fields.filter(({ name }) => name === 'content-length');
  const isNone = lengths.length === 0 || (lengths.length === 1 && lengths[0]?.value === '0');
  return isNone ? undefined : 'a CONNECT has no Content-Length other than 0';
}
