/** The certificates with which we verify servers that we use TLS with: parents, and collectors of the log. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createTlsTrust, type TlsTrust } from '@sallyport/tunnel-splice';
import { explainSystemError } from './named-files.ts';

export interface ReadTrust {
  readonly trust: TlsTrust;
  /** The content of the file. */
  readonly pem: string | undefined;
}

/**
 * The trust, or what is wrong with it.
 * @param ca a file of certificates in PEM; left out: the authorities that Node.js knows
 * @param folder that the path is relative to
 */
export function readTlsTrust(ca: string | undefined, folder: string): ReadTrust | string {
  const path = ca === undefined ? undefined : resolve(folder, ca);
  try {
    const pem = path === undefined ? undefined : readFileSync(path, 'utf8');
    const result = createTlsTrust(pem);
    return result.kind === 'ok' ? { trust: result.trust, pem } : `${ca} ${result.why}`;
  } catch (cause) {
    return `${path} ${explainSystemError(cause)}`;
  }
}
