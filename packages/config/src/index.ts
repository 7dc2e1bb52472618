/** Reads the YAML configuration into a validated and frozen value, or reports every problem with its line and column. */
export { bindText, type Address, type Bind, type HostAndPort, type UnixSocket } from './addresses.ts';
export type {
  AdminConfig,
  Config,
  ConnectListener,
  EgressConfig,
  Limits,
  ListenerConfig,
  ParentConfig,
  PolicyConfig,
  RuleConfig,
  RuntimeConfig,
  SniListener,
  TestConfig,
} from './config.ts';
export type { AsWritten } from './as-written.ts';
export { escapeControls } from './escape-controls.ts';
export { escapeReferences } from './expand.ts';
export { parseHtpasswd, type Users } from './htpasswd.ts';
export { fillMessage, type MessageValues } from './messages.ts';
export { isDirect, triedInTurn } from './egress-checks.ts';
export { DIRECT } from './schema/egress.ts';
export { whyNotPortable } from './interception-checks.ts';
export { configJsonSchema } from './json-schema.ts';
export { loadConfig, type RestOfFile } from './load.ts';
export { type ConfigPath, formatProblem, type LocatedProblem, type Problem, sortByPosition } from './problems.ts';
export { DEFAULT_NAME, ruleName } from './rule-names.ts';
export { finish, type Steps, stepsOf } from './steps.ts';
export { didYouMean, suggest } from './suggest.ts';
export { type PortRange, readDuration } from './units.ts';
