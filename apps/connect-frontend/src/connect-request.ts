/** Decides from a request head what the client asks of the explicit door. */
import { type Destination, parseDestination } from '@sallyport/policy';
import { findDoubtfulField, parseAuthorityForm, type RequestHead } from '@sallyport/tunnel-server';

export type ConnectRequest =
  | { readonly kind: 'connect'; readonly destination: Destination }
  /** Well formed, but another method than CONNECT. */
  | { readonly kind: 'other-method' }
  | { readonly kind: 'malformed'; readonly why: string };

/** Reads a CONNECT out of a request head: its destination, once nothing in it can be read in two ways (RFC 9110 §9.3.6). */
export function parseConnectRequest(head: RequestHead): ConnectRequest {
  if (head.method !== 'CONNECT') return { kind: 'other-method' };

  const authority = parseAuthorityForm(head.requestTarget);
  if (authority.kind === 'malformed') return authority;

  const destination = parseDestination(authority.host, authority.port);
  if (destination.kind === 'malformed') return destination;
  const doubtful = findBodyFraming(head) ?? findDoubtfulField(head);
  return doubtful === undefined ? { kind: 'connect', destination } : { kind: 'malformed', why: doubtful };
}

/**
 * Whatever announces a body. A CONNECT has none: what follows its head is tunnel, so a body and early bytes cannot be told
 * apart, and a proxy behind or before us may draw the line elsewhere. One `Content-Length: 0` says the same as none.
 */
function findBodyFraming({ fields }: RequestHead): string | undefined {
  if (fields.some(({ name }) => name === 'transfer-encoding')) return 'a CONNECT has no Transfer-Encoding';
  const lengths = fields.filter(({ name }) => name === 'content-length');
  const isNone = lengths.length === 0 || (lengths.length === 1 && lengths[0]?.value === '0');
  return isNone ? undefined : 'a CONNECT has no Content-Length other than 0';
}
