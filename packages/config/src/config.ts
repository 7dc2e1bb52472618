/** The configuration as the rest of the program sees it: validated, complete, frozen. */
import type { DeepReadonly } from './freeze.ts';
import type { ValidatedFile } from './schema.ts';

/**
 * The whole configuration. Keys are spelled as in the file. Durations are milliseconds, `off` is Infinity (a rate that is off is
 * `undefined`); sizes are bytes; addresses and networks are canonical.
 */
export type Config = DeepReadonly<ReturnType<typeof completeConfig>>;

/** A door; `mode` tells which. Its `timeouts` and `limits` are complete: the global ones, with its own put over them. */
export type ListenerConfig = Config['listeners'][number];

/** The explicit door. */
export type ConnectListener = Extract<ListenerConfig, { mode: 'connect' }>;

/** The transparent door. */
export type SniListener = Extract<ListenerConfig, { mode: 'sni' }>;

/** Rules, their default, and what is checked on every address that is dialled. */
export type PolicyConfig = Config['policy'];

/** One rule; a field left out matches anything. */
export type RuleConfig = PolicyConfig['rules'][number];

/** A way out that the file names; `type` tells which kind. */
export type EgressConfig = Config['egress'][number];

/** A way out by another proxy. */
export type ParentConfig = Exclude<EgressConfig, { type: 'direct' }>;
/** What is expected of the rules for one request. */
export type TestConfig = Config['tests'][number];

/** How names are resolved. */
export type DnsConfig = Config['dns'];

/** How long things may take, in milliseconds. */
export type Timeouts = Config['timeouts'];

/** How much there may be. */
export type Limits = Config['limits'];

/** Where metrics and health checks are served. */
export type AdminConfig = Config['admin'];

/** What is logged, how and where. */
export type LogConfig = Config['log'];

/** How the process runs. */
export type RuntimeConfig = Config['runtime'];

/** Puts every door's overrides over the global timeouts and limits. */
export function completeConfig(file: ValidatedFile) {
  return {
    ...file,
    listeners: file.listeners.map((listener) => ({
      ...listener,
      timeouts: { ...file.timeouts, ...listener.timeouts },
      limits: { ...file.limits, ...listener.limits },
    })),
  };
}
