/** Describes why a door cannot listen, in one line with the cause and the remedy. */
import type { ConfigPath } from '@sallyport/config';
import { AdminListenError } from '@sallyport/telemetry';
import { ListenError } from '@sallyport/tunnel-splice';
import { RAISE_THE_LIMIT } from './descriptors.ts';
import { EXIT, FatalError, messageOf } from './exit.ts';
import { formatBind } from './format-bind.ts';
import { findSocketObstacle, wordSocketObstacle } from './written-paths.ts';

/**
 * A cause that is no error of listening is returned as it is.
 * @param who the listener's name, which begins the line
 * @param path of the bind in the configuration
 */
export function fatalListenError(who: string, cause: unknown, path: ConfigPath): unknown {
  if (!(cause instanceof ListenError || cause instanceof AdminListenError)) return cause;
  const where = cause.kind === 'not-passable' ? 'the socket that systemd passed' : formatBind(cause.bind);
  const why = 'path' in cause.bind ? explainPath(cause, cause.bind.path) : explain(cause);
  return new FatalError(`${who} cannot listen on ${where}: ${why}`, EXIT.failure, cause, path);
}

const NO_DESCRIPTORS = `no file descriptors are left; ${RAISE_THE_LIMIT}`;

function explain(error: ListenError | AdminListenError): string {
  const isAdmin = error instanceof AdminListenError;
  switch (error.kind) {
    case 'in-use':
      return 'the port is in use; stop what holds it (ss -ltnp shows it) or choose another port';
    case 'no-rights':
      if (isAdmin) return 'no right to bind a port below 1024; choose another port';
      return (
        'no right to bind a port below 1024; run configs/unprivileged.yaml, pass the socket by systemd socket activation, ' +
        'or grant CAP_NET_BIND_SERVICE'
      );
    case 'no-such-address':
      // The admin server trusts every client that reaches it.
      return `this machine has no such address; use one of its own (ip address shows them)${isAdmin ? '' : ', 0.0.0.0 or [::]'}`;
    case 'no-ipv6':
      return `this machine has no IPv6; use an IPv4 address, such as ${isAdmin ? '' : '0.0.0.0 or '}127.0.0.1`;
    case 'no-descriptors':
      return NO_DESCRIPTORS;
    case 'not-transparent':
      return (
        'no right to listen for the addresses of other machines; grant CAP_NET_ADMIN with the native engine, or have systemd ' +
        'pass the socket (a socket unit with Transparent=yes)'
      );
    case 'not-passable':
      return 'it is no TCP socket that listens; its unit needs ListenStream= with a port, and no Accept=yes';
    case 'other':
      return `${messageOf(error.cause)}; listen on another address`;
  }
}

/** Why there can be no socket in the file system. Several causes have one code (uv_pipe_bind): so the place itself is looked at. */
function explainPath({ kind, cause }: ListenError | AdminListenError, path: string): string {
  if (kind === 'no-descriptors') return NO_DESCRIPTORS;
  const obstacle = findSocketObstacle(path);
  if (obstacle) return wordSocketObstacle(obstacle);
  if (kind === 'in-use') return 'a process listens there; stop it or choose another path';
  return `${messageOf(cause)}; choose another path`;
}
