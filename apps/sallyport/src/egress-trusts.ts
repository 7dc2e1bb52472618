/** The certificates that parents with `tls` are verified by. They are read with the configuration: at the start, by `check` and by every reload. */
import type { Config, Problem } from '@sallyport/config';
import type { TlsTrust } from '@sallyport/tunnel-splice';
import { readTlsTrust } from './tls-trusts.ts';

export interface EgressTrusts {
  /** By name of egress. May be used only where no problem is an error. */
  readonly trusts: ReadonlyMap<string, TlsTrust>;
  readonly problems: readonly Problem[];
}

/** @param folder the configuration's own: paths are relative to it */
export function readEgressTrusts({ egress }: Config, folder: string): EgressTrusts {
  const trusts = new Map<string, TlsTrust>();
  const problems: Problem[] = [];
  for (const [index, config] of egress.entries()) {
    if (config.type !== 'http' || !config.tls) continue;
    const read = readTlsTrust(config.ca, folder, ['egress', index, 'ca']);
    problems.push(...read.problems);
    if (read.trust) trusts.set(config.name, read.trust);
  }
  return { trusts, problems };
}
