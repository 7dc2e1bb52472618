/** A PROXY header at a door that expects none, or one behind another: a balancer and this door are configured differently. */
import { readProxyHeader } from './read.ts';

/** What a peer has done that opens with a whole PROXY header, as a clause; undefined for any other peer. */
export function unexpectedHeader(bytes: Uint8Array): string | undefined {
  const { kind } = readProxyHeader(bytes);
  if (kind !== 'client' && kind !== 'unnamed') return undefined;
  return 'it opens with a PROXY header, where none is expected (proxy_protocol)';
}
