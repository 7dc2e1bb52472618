/** The certificates with which we verify servers that we use TLS with: parents, and collectors of the log. */
import { resolve } from 'node:path';
import type { ConfigPath, Problem } from '@sallyport/config';
import { createTlsTrust, type TlsTrust } from '@sallyport/tunnel-splice';
import { whyAuthoritiesUntimely } from './certificate-times.ts';
import { readNamedFile } from './named-files.ts';

export interface ReadTrust {
  /** Undefined where a problem is an error. */
  readonly trust?: TlsTrust;
  /** The content of the file. */
  readonly pem?: string | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Reads the certificates, and says what is wrong with them.
 * @param ca a file of certificates in PEM; left out: the authorities that Node.js knows
 * @param folder that the path is relative to
 * @param path of the key that names the file
 */
export function readTlsTrust(ca: string | undefined, folder: string, path: ConfigPath): ReadTrust {
  const read = ca === undefined ? undefined : readNamedFile(resolve(folder, ca));
  if (read?.kind === 'unreadable') return { problems: [{ severity: 'error', path, message: read.why }] };
  const pem = read?.text;
  const result = createTlsTrust(pem);
  if (result.kind === 'unfit') return { problems: [{ severity: 'error', path, message: `${ca} ${result.why}` }] };
  const why = pem && whyAuthoritiesUntimely(pem);
  return { trust: result.trust, pem, problems: why ? [{ severity: 'warning', path, message: `${ca} ${why}` }] : [] };
}
