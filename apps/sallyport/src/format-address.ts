/** Addresses as people write them. */
import type { UnixSocket } from '@sallyport/config';
import type { Address } from '@sallyport/tunnel-splice';

/** An address, or `unix:PATH`. */
export function formatBind(bind: Address | UnixSocket): string {
  return 'path' in bind ? `unix:${bind.path}` : formatAddress(bind);
}

/** `host:port`, with brackets round IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
