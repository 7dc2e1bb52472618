/** Reads the YAML configuration into a validated and frozen value, or reports every problem with its line and column. */
export {
  bindText,
  type Address,
  type Bind,
  type HostAndPort,
  type PassedSockets,
  type UnixSocket,
} from './addresses.ts';
export type {
  AdminConfig,
  Config,
  ConnectListener,
  DnsConfig,
  EgressConfig,
  Limits,
  ListenerConfig,
  LogConfig,
  ParentConfig,
  PolicyConfig,
  RuleConfig,
  RuntimeConfig,
  SniListener,
  TestConfig,
  Timeouts,
} from './config.ts';
export type { AsWritten } from './as-written.ts';
export type { Excerpt } from './excerpt.ts';
export { type Environment, escapeReferences } from './expand.ts';
export { parseHtpasswd, type Users } from './htpasswd.ts';
export { fillMessage, type MessageValues } from './messages.ts';
export { isDirect, triedInTurn } from './egress-checks.ts';
export { DIRECT } from './schema/egress.ts';
export { whyNotPortable } from './interception-checks.ts';
export { configJsonSchema } from './json-schema.ts';
export { loadConfig, type LoadResult, type RestOfFile } from './load.ts';
export {
  type ConfigPath,
  formatProblem,
  type Locate,
  type LocatedProblem,
  type Position,
  type Problem,
  sortByPosition,
} from './problems.ts';
export { didYouMean } from './suggest.ts';
export { type PortRange, readDuration } from './units.ts';
