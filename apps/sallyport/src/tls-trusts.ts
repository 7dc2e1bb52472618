/** The certificates with which we verify servers that we use TLS with: parents, and collectors of the log. */
import { resolve } from 'node:path';
import { createTlsTrust, type TlsTrust } from '@sallyport/tunnel-splice';
import { whyAuthoritiesUntimely } from './certificate-times.ts';
import { readNamedFile } from './named-files.ts';

export interface ReadTrust {
  readonly trust: TlsTrust;
  /** The content of the file. */
  readonly pem: string | undefined;
  /** Why nothing can be trusted by it at this moment, as a sentence. */
  readonly doubt: string | undefined;
}

/**
 * The trust, or what is wrong with it.
 * @param ca a file of certificates in PEM; left out: the authorities that Node.js knows
 * @param folder that the path is relative to
 */
export function readTlsTrust(ca: string | undefined, folder: string): ReadTrust | string {
  const read = ca === undefined ? undefined : readNamedFile(resolve(folder, ca));
  if (read?.kind === 'unreadable') return read.why;
  const result = createTlsTrust(read?.text);
  if (result.kind === 'unfit') return `${ca} ${result.why}`;
  const why = read && whyAuthoritiesUntimely(read.text);
  return { trust: result.trust, pem: read?.text, doubt: why && `${ca} ${why}` };
}
