/** What each system call of the native engine may fail with. */
import type { Call, Errno } from '../../../../test/e2e/harness/system-calls.ts';

/** Of the calls of one name, the one behind so many others fails, and no further one. */
export interface Fault {
  readonly call: Call;
  readonly error: Errno;
  readonly spared: number;
}

/**
 * For want of descriptors or memory; for the network has failed; for the call was interrupted or has nothing to do yet; for the kernel is
 * too old, or a rule of the system forbids it.
 */
const ERRORS: Readonly<Partial<Record<Call, readonly Errno[]>>> = {
  accept4: ['EINTR', 'EAGAIN', 'ECONNABORTED', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  socket: ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EACCES'],
  connect: ['EADDRNOTAVAIL', 'ECONNREFUSED', 'ENETUNREACH', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EAGAIN'],
  recv: ['EINTR', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOMEM', 'ENOBUFS'],
  send: ['EINTR', 'EPIPE', 'ECONNRESET', 'ETIMEDOUT', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  splice: ['EINTR', 'EPIPE', 'ECONNRESET', 'ENOMEM', 'EINVAL'],
  pipe2: ['EMFILE', 'ENFILE', 'ENOMEM'],
  epoll_ctl: ['ENOMEM', 'ENOSPC'],
  epoll_wait: ['EINTR'],
  epoll_create1: ['EMFILE', 'ENFILE', 'ENOMEM'],
  eventfd: ['EMFILE', 'ENFILE', 'ENOMEM'],
  getsockname: ['ENOBUFS'],
  getpeername: ['ENOTCONN', 'ENOBUFS'],
  getsockopt: ['ENOPROTOOPT', 'ENOMEM'],
  setsockopt: ['ENOPROTOOPT', 'ENOMEM', 'EINVAL', 'EPERM'],
  shutdown: ['ENOTCONN', 'ENOBUFS'],
  write: ['EINTR'],
  bind: ['EADDRINUSE', 'EACCES', 'ENOMEM'],
  listen: ['EADDRINUSE', 'ENOBUFS'],
  fcntl: ['EMFILE', 'EPERM', 'EBUSY'],
  ioctl: ['EINVAL', 'ENOMEM'],
  poll: ['EINTR', 'ENOMEM'],
  open: ['EMFILE', 'ENFILE', 'ENOMEM'],
};

/** Every call with every error. The first kind of failure of each call comes first, then the second of each, and so on. */
export const FAULTS: readonly Omit<Fault, 'spared'>[] = Object.entries(ERRORS)
  .flatMap(([call, errors]) => errors.map((error, place) => ({ call: call as Call, error, place })))
  .sort((a, b) => a.place - b.place)
  .map(({ call, error }) => ({ call, error }));

/** Whoever uses the engine notices nothing of it: the call is made again. */
export function isUnnoticed({ error }: Pick<Fault, 'error'>): boolean {
  return error === 'EINTR';
}
