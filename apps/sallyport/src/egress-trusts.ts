/** Whom parents with `tls` must be known to: read with the configuration, at the start, by `check` and by every reload. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config, ParentConfig, Problem } from '@sallyport/config';
import { createTlsTrust, type TlsTrust } from '@sallyport/tunnel-splice';
import { explainSystemError } from './named-files.ts';

export interface EgressTrusts {
  /** By name of egress; fit for use only where there is no problem. */
  readonly trusts: ReadonlyMap<string, TlsTrust>;
  readonly problems: readonly Problem[];
}

/** @param folder the configuration's own: paths are relative to it */
export function readEgressTrusts({ egress }: Config, folder: string): EgressTrusts {
  const trusts = new Map<string, TlsTrust>();
  const problems: Problem[] = [];
  for (const [index, config] of egress.entries()) {
    if (config.type !== 'http' || !config.tls) continue;
    const trust = readTrust(config, folder);
    if (typeof trust === 'string') problems.push({ severity: 'error', path: ['egress', index, 'ca'], message: trust });
    else trusts.set(config.name, trust);
  }
  return { trusts, problems };
}

/** The trust, or what is wrong with it. */
function readTrust({ ca }: Extract<ParentConfig, { type: 'http' }>, folder: string): TlsTrust | string {
  const path = ca === undefined ? undefined : resolve(folder, ca);
  try {
    const result = createTlsTrust(path === undefined ? undefined : readFileSync(path, 'utf8'));
    return result.kind === 'ok' ? result.trust : `${ca} ${result.why}`;
  } catch (cause) {
    return `${path} ${explainSystemError(cause)}`;
  }
}
