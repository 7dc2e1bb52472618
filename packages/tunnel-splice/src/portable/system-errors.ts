/** Translates system errors, in one place, where they enter. */
import { ListenError, type Bind, type DialResult, type Departure } from '../transport.ts';

/** The failures that a system error can mean. */
export type DialFailure = Exclude<
  DialResult['kind'],
  'connected' | 'joined' | 'untrusted' | 'tls-timeout' | 'cancelled'
>;

const LISTEN_FAILURES: Readonly<Record<string, ListenError['kind']>> = {
  EADDRINUSE: 'in-use',
  EACCES: 'no-rights',
  EPERM: 'no-rights',
  EADDRNOTAVAIL: 'no-such-address',
  EAFNOSUPPORT: 'no-ipv6',
  EMFILE: 'no-descriptors',
  ENFILE: 'no-descriptors',
};

const DIAL_FAILURES: Readonly<Record<string, DialFailure>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOMEM: 'exhausted',
  ENOBUFS: 'exhausted',
  EAGAIN: 'exhausted',
  // A bound source address with every port taken.
  EADDRINUSE: 'exhausted',
};

/** Why a listener could not be opened. */
export function listenErrorFrom(error: NodeJS.ErrnoException, bind: Bind): ListenError {
  return new ListenError(LISTEN_FAILURES[error.code ?? ''] ?? 'other', bind, error);
}

/** Why a dial failed. An error without an entry (no route, no such family, forbidden by a firewall) is `unreachable`. */
export function dialFailureFrom(error: NodeJS.ErrnoException, host: string): DialFailure {
  if (error.code !== 'EADDRNOTAVAIL') return DIAL_FAILURES[error.code ?? ''] ?? 'unreachable';
  if (error.syscall === 'bind') return 'no-source';
  // For IPv4 the kernel always finds a source address, so the port is missing (connect(2)).
  return host.includes(':') ? 'unreachable' : 'exhausted';
}

/** The kernel lacks memory or buffer space. The peer is not the cause. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['EAGAIN', 'ENOMEM', 'ENOBUFS', 'EINTR']);

/** How the peer of a connection has left, from the error of a read or a write; undefined where it has not left. */
export function lossFrom(error: unknown): Departure | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (SHORTAGES.has(code)) return undefined;
  // EPIPE: its FIN had come before (the kernel's tcp_reset says so in CLOSE_WAIT), and a read will find it.
  return code === 'EPIPE' ? 'end' : 'reset';
}
