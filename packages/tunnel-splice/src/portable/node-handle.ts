/**
 * All that this transport uses of Node's internals: the handle of a socket.
 *
 * `_handle` is not documented, and has not changed since Node 0.12. It is needed for seven things that `node:net` does not offer: sockets
 * with `onread` buffers for accepted connections (a `Server` builds them without, and a second Socket per client would be the largest
 * cost of a connection), writing without queueing, how much of what is queued the kernel has not taken, noticing an RST while not reading,
 * OpenSSL's verdict on a client's certificate, an RST beneath TLS, and errors of TLS after the handshake.
 */
import { readSync, writeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Departure } from '../transport.ts';
import { lossFrom } from './system-errors.ts';

/** The TCP handle of a socket or a listener. */
export interface TcpHandle {
  /** The descriptor; negative once closed, and always on Windows. */
  readonly fd: number;
  /** What was given to it and is not yet with the kernel; of TLS, in encrypted bytes. */
  readonly writeQueueSize: number;
  /** Called for each connection. `status` is 0 or a negative errno; with an errno there is no handle. */
  onconnection: (status: number, client?: TcpHandle) => void;
  /** Fills `into`. Returns 0, or a negative errno when there is no connection (any more). */
  getpeername(into: object): number;
  close(): void;
}

/** The handle of a socket or a listener, as long as it is open. */
export function handleOf(owner: Socket | Server): TcpHandle | undefined {
  // The one place where Node's internals are given a type.
  return (owner as unknown as { readonly _handle: TcpHandle | null })._handle ?? undefined;
}

/** The descriptor of a socket; negative once it is closed, and always on Windows. */
export function descriptorOf(socket: Socket): number {
  return handleOf(socket)?.fd ?? -1;
}

/**
 * Writes what the kernel takes at once. Returns how much that was, or how the peer has left. Unlike `socket.write` it never keeps the
 * bytes, so the next read may use the same buffer, and it never destroys a socket that can still be read. Only for a socket with nothing
 * queued, or bytes overtake each other.
 */
export function writeAtOnce(socket: Socket, bytes: Uint8Array): number | Departure {
  const descriptor = descriptorOf(socket);
  if (descriptor < 0) return 0;
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    return lossFrom(error) ?? 0;
  }
}

/** How much of the write under way the kernel has not taken: `writableLength` counts all of it until all is taken. */
export function untakenBytes(socket: Socket): number {
  return handleOf(socket)?.writeQueueSize ?? Infinity;
}

/** Reads what the kernel has. Returns how much that was (0: nothing yet), or how the peer has left, once all is read. */
export function readAtOnce(socket: Socket, into: Uint8Array): number | Departure {
  const descriptor = descriptorOf(socket);
  if (descriptor < 0) return 'end';
  try {
    return readSync(descriptor, into) || 'end';
  } catch (error) {
    return lossFrom(error) ?? 0;
  }
}

/** False once an RST has come or the connection has timed out: the kernel then knows no peer any more, read or unread. */
export function isConnected(socket: Socket): boolean {
  return handleOf(socket)?.getpeername({}) === 0;
}

/** The error of the peer's certificate, as a code such as `CERT_HAS_EXPIRED`; undefined where it is valid. */
export function certificateError(socket: TLSSocket): string | undefined {
  // The one place where the handle beneath TLS is given a type. `tls.Server` asks `verifyError`; there is no public interface for it.
  const handle = (socket as unknown as { readonly _handle: { verifyError(): Error | null | undefined } | null })
    ._handle;
  if (!handle) return 'UNKNOWN';
  const error = handle.verifyError();
  if (!error) return undefined;
  return 'code' in error ? String(error.code) : 'UNKNOWN';
}

/** Makes the connection end with an RST, not a FIN, when the socket is destroyed: as `resetAndDestroy`, without the destroying. */
export function resetWhenClosed(socket: Socket): void {
  (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
}

/** Reports errors of TLS, also after the handshake: `error` events report those only for sockets of a `tls.Server`. */
export function onTlsError(socket: TLSSocket, listener: (error: Error) => void): void {
  // Not documented either. `tls.Server` itself listens to it.
  socket.on('_tlsError', listener);
}
