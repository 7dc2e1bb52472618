/** Detects requests that a page of another site makes a browser send (CSRF). This server trusts every client that reaches it, browsers included. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Uses `Sec-Fetch-Site` (Fetch Metadata) where the browser sends it, which it does to loopback and over TLS; otherwise `Origin`, which
 * every browser sends with a DELETE. Programs send neither. A link from another site may be followed: showing a page changes nothing.
 */
export function isAskedByOtherSite(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, origin, host } = headers;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none' && mode !== 'navigate';
  return origin !== undefined && !isOriginOf(origin, host);
}

/** The scheme is not compared: a server before this one may use TLS. */
function isOriginOf(origin: string, host = ''): boolean {
  return URL.canParse(origin) && URL.canParse(`${new URL(origin).protocol}//${host}`)
    ? new URL(origin).host === new URL(`${new URL(origin).protocol}//${host}`).host
    : false;
}
