/** Under which name a request asks for this server, and whether that is a name of this machine. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** RFC 9112 §3.2: two of them are an error, for a proxy before us may have decided by the other one. */
export function hasTwoHosts({ headersDistinct }: IncomingMessage): boolean {
  return (headersDistinct['host']?.length ?? 0) > 1;
}

/**
 * Whether a server on loopback may answer. A page of another site can reach it under a name of its own that resolves to 127.0.0.1 (DNS
 * rebinding); the browser then sends that name. The host is judged as it was sent: what a URL parser takes for an address (`127.1`, or
 * whatever stands behind an `@`) is no IP literal.
 */
export function namesThisMachine(request: IncomingMessage): boolean {
  const authority = authorityOf(request);
  if (authority === undefined) return true;
  const [, bracketed = '', bare = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(authority) ?? [];
  return bare.toLowerCase() === 'localhost' || isIP(bare) === 4 || isIP(bracketed) === 6;
}

/** A target in absolute-form has the host, and then Host means nothing (RFC 9112 §3.2.2). */
function authorityOf({ url = '', headers }: IncomingMessage): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? headers.host;
}
