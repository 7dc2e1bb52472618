/** Sockets of `node:net` with every option set. */
import { connect, Socket, type OnReadOpts } from 'node:net';
import type { Address } from '../transport.ts';
import type { TcpHandle } from './node-handle.ts';

/** What a socket is made of: a handle, as `net.Server` itself does it, or a descriptor, which it then owns. */
export type SocketSource = { readonly handle: TcpHandle } | { readonly fd: number };

/** The socket of an existing connection. Without `onread` for TLS, which reads from the handle itself. */
export function acceptedSocket(source: SocketSource, onread?: OnReadOpts): Socket {
  const from = 'fd' in source ? { fd: source.fd } : { handle: source.handle };
  const options = { ...from, allowHalfOpen: true, ...(onread && { onread }) };
  return new Socket(options).setNoDelay(true);
}

/** A socket that has begun to connect to one literal address; without `onread` for TLS. */
export function dialledSocket(address: Address, sourceHost: string | undefined, onread?: OnReadOpts): Socket {
  return connect({
    host: address.host,
    port: address.port,
    ...(sourceHost !== undefined && { localAddress: sourceHost }),
    ...(onread && { onread }),
    allowHalfOpen: true,
    noDelay: true,
    // The address has been judged: no other one may be tried, and no name looked up.
    autoSelectFamily: false,
  });
}

/** libuv sends ten probes, a second apart, once the peer was silent for the time it is given. */
const LIBUV_PROBES_SECONDS = 10;

/** Node.js has no TCP_USER_TIMEOUT. A peer with bytes on their way is given up when the kernel does it, after a quarter of an hour. */
export function keepAliveAsNodeCan(socket: Socket, seconds: number): void {
  socket.setKeepAlive(true, Math.max(1, seconds - LIBUV_PROBES_SECONDS) * 1_000);
}
