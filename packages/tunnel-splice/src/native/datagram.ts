import { getSystemErrorName } from 'node:util';
import { loadAddon } from './load.ts';

/** Whether the datagram was taken; `reason` is for the log. */
export type DatagramResult = { readonly kind: 'sent' } | { readonly kind: 'failed'; readonly reason: string };

/**
 * Sends one datagram to a Unix socket, which `node:dgram` cannot. It needs the addon, but no transport.
 * @param path begins with `@` where the socket is in the abstract namespace
 */
export function sendDatagram(path: string, text: string): DatagramResult {
  const loaded = loadAddon();
  if (loaded.kind === 'unavailable') return { kind: 'failed', reason: loaded.reason };
  const errno = loaded.addon.sendDatagram(path, text);
  return errno === 0 ? { kind: 'sent' } : { kind: 'failed', reason: getSystemErrorName(-errno) };
}
