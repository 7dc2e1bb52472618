/** Addresses as the kernel reports them, in the transport's one spelling. */
import type { Address } from '../transport.ts';

const MAPPED_PREFIX = '::ffff:';

/** Without a zone, and IPv4-mapped IPv6 as IPv4 (RFC 4291 §2.5.5.2). Undefined where the kernel no longer knows the address. */
export function addressOf(host: string | undefined, port: number | undefined): Address | undefined {
  if (host === undefined || port === undefined) return undefined;
  const [withoutZone = host] = host.split('%', 1);
  const isMapped = withoutZone.startsWith(MAPPED_PREFIX) && withoutZone.includes('.');
  return { host: isMapped ? withoutZone.slice(MAPPED_PREFIX.length) : withoutZone, port };
}
