/** The types of the configuration as the rest of the program uses it: validated, complete, frozen. */
import type { DeepReadonly } from './freeze.ts';
import type { ValidatedFile } from './schema.ts';

/**
 * The whole configuration. Keys are spelled as in the file. Durations are milliseconds, `off` is Infinity (a rate that is off is
 * `undefined`); sizes are bytes; addresses and networks are canonical.
 */
export type Config = DeepReadonly<ReturnType<typeof completeConfig>>;

/** A door; `mode` says which. Its `timeouts` and `limits` are complete: the global ones, with its own in their place. */
export type ListenerConfig = Config['listeners'][number];

/** The explicit door. */
export type ConnectListener = Extract<ListenerConfig, { mode: 'connect' }>;

/** The transparent door. */
export type SniListener = Extract<ListenerConfig, { mode: 'sni' }>;

/** Rules, their default, and the checks of every address that is dialled. */
export type PolicyConfig = Config['policy'];

/** One rule; a field left out matches anything. */
export type RuleConfig = PolicyConfig['rules'][number];

/** An egress that the file names; `type` says which kind. */
export type EgressConfig = Config['egress'][number];

/** An egress by another proxy. */
export type ParentConfig = Exclude<EgressConfig, { type: 'direct' }>;

/** The expected decision for one request. */
export type TestConfig = Config['tests'][number];

/** Limits of numbers and sizes. */
export type Limits = Config['limits'];

/** Where metrics and health checks are served. */
export type AdminConfig = Config['admin'];

/** The settings of the process. */
export type RuntimeConfig = Config['runtime'];

/** Completes each door's timeouts and limits with the global ones. */
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
