/** Translates system errors, in one place, where they enter. */
import { networkInterfaces } from 'node:os';
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

/**
 * Why a dial failed. An error without an entry (no route, no such family, forbidden by a firewall) is `unreachable`.
 * @param hasIpv6 whether this machine has an IPv6 address; replaced in tests
 */
export function dialFailureFrom(error: NodeJS.ErrnoException, host: string, hasIpv6 = machineHasIpv6): DialFailure {
  if (error.code !== 'EADDRNOTAVAIL') return DIAL_FAILURES[error.code ?? ''] ?? 'unreachable';
  if (error.syscall === 'bind') return 'no-source';
  // The port or the source address is missing (connect(2)). The kernel takes any address, ::1 too, rather than none.
  return host.includes(':') && !hasIpv6() ? 'unreachable' : 'exhausted';
}

function machineHasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'));
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
