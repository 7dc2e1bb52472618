/** Detects requests that a page of another site makes a browser send (CSRF). This server trusts every client that reaches it, browsers included. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Goes by `Sec-Fetch-Site` (Fetch Metadata) where the browser says it, which it does to loopback and over TLS; else by `Origin`, which
 * every browser sends with a DELETE. Programs send neither. A link from elsewhere may be followed: to show a page changes nothing.
 */
export function isAskedByOtherSite(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, origin, host } = headers;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none' && mode !== 'navigate';
  return origin !== undefined && !isOriginOf(origin, host);
}

/** The scheme is left aside: a server in front of this one may speak TLS. */
function isOriginOf(origin: string, host = ''): boolean {
  return URL.canParse(origin) && URL.canParse(`${new URL(origin).protocol}//${host}`)
    ? new URL(origin).host === new URL(`${new URL(origin).protocol}//${host}`).host
    : false;
}
