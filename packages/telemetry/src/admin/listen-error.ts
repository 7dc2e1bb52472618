/** Why the admin server could not be opened: the system's codes, translated once. */

/** An IP literal and a port (0: any free one). `::` serves IPv6 alone, as the doors do. */
export interface AdminTcpAddress {
  readonly host: string;
  readonly port: number;
}

/** An address, or a socket in the file system. */
export type AdminAddress = AdminTcpAddress | { readonly path: string };

/** The kinds are those of the doors' own error, so that one place can name cause and remedy. The system's code stays in `cause`. */
export class AdminListenError extends Error {
  override readonly name = 'AdminListenError';
  readonly kind: 'in-use' | 'no-rights' | 'no-such-address' | 'no-ipv6' | 'no-descriptors' | 'other';
  readonly bind: AdminAddress;

  constructor(bind: AdminAddress, cause: NodeJS.ErrnoException) {
    const kind = kindOf(cause.code);
    super(`cannot listen on ${'path' in bind ? bind.path : `${bind.host} port ${bind.port}`}: ${kind}`, { cause });
    this.kind = kind;
    this.bind = bind;
  }
}

function kindOf(code: string | undefined): AdminListenError['kind'] {
  switch (code) {
    case 'EADDRINUSE':
      return 'in-use';
    case 'EACCES':
    case 'EPERM':
      return 'no-rights';
    case 'EADDRNOTAVAIL':
      return 'no-such-address';
    case 'EAFNOSUPPORT':
      return 'no-ipv6';
    case 'EMFILE':
    case 'ENFILE':
      return 'no-descriptors';
    default:
      return 'other';
  }
}
