/** Describes why a door cannot listen, in one line with the cause and the remedy. */
import type { ConfigPath } from '@sallyport/config';
import { AdminListenError } from '@sallyport/telemetry';
import { ListenError } from '@sallyport/tunnel-splice';
import { EXIT, FatalError } from './exit.ts';
import { formatBind } from './format-address.ts';

/**
 * @param who the listener's name, which begins the line
 * @param path of the bind in the configuration
 */
export function fatalListenError(who: string, cause: unknown, path: ConfigPath): unknown {
  if (!(cause instanceof ListenError || cause instanceof AdminListenError)) return cause;
  const where = formatBind(cause.bind);
  return new FatalError(`${who} cannot listen on ${where}: ${explain(cause)}`, EXIT.failure, cause, path);
}

function explain({ kind, cause }: ListenError | AdminListenError): string {
  switch (kind) {
    case 'in-use':
      return 'the port is in use; stop what holds it (ss -ltnp shows it) or choose another port';
    case 'no-rights':
      return (
        'no right to bind a port below 1024; run configs/unprivileged.yaml, pass the socket by systemd socket activation, ' +
        'or grant CAP_NET_BIND_SERVICE'
      );
    case 'no-such-address':
      return 'this machine has no such address; use one of its own (ip address shows them), 0.0.0.0 or [::]';
    case 'not-transparent':
      return (
        'no right to listen for the addresses of other machines; grant CAP_NET_ADMIN with the native engine, or have systemd ' +
        'pass the socket (a socket unit with Transparent=yes)'
      );
    case 'other':
      return cause instanceof Error ? cause.message : String(cause);
  }
}
