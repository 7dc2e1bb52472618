/** A host and a port as one text. */

/** The host of a URI: with brackets round an IPv6 address (RFC 3986 §3.2.2). */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** `host:port`. */
export function authorityText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${uriHost(host)}:${port}`;
}
