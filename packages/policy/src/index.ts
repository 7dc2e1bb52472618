/**
 * Decides which clients may reach which destinations. Pure: it uses no socket and no clock, and reads only files that it is given. Read
 * rules/decide.ts first.
 */
export {
  type Destination,
  destinationAt,
  destinationText,
  type MalformedDestination,
  parseDestination,
} from './destination.ts';
export { type CompiledPolicy, compilePolicy, compilePolicyInSteps, type Surroundings } from './rules/compile.ts';
export { decide } from './rules/decide.ts';
export type { Decision, Policy, PolicyRequest } from './rules/policy.ts';
export { checkGroups, groupNamed, type Groups } from './rules/groups.ts';
export { hostLines } from './rules/host-list.ts';
export type { ReadHostsFile } from './rules/rule-hosts.ts';
export { deciderText } from './rules/rule-names.ts';
export { judgeAddress } from './address-rules/permit.ts';
export {
  type AddressGuards,
  type DialVerdict,
  judgeDial,
  type OwnAddresses,
  permitAddresses,
  type PermitVerdict,
} from './address-rules/permit-addresses.ts';
export { toPrintable } from './wording/to-printable.ts';
export { type DecidedRequest, type RefusalWords, wordAddressRefusal, wordDenial } from './wording/words.ts';
export { type Judgement, judgeRequest } from './tests/judge-request.ts';
export { requestOf, runTests } from './tests/run-tests.ts';
export { explain, type Explanation } from './explain/explain.ts';
export { STATUS_LINE_BYTES } from './lint/long-messages.ts';
export { lintReach } from './lint/lint-reach.ts';
export { knowsItsClients, lintOpenProxy } from './lint/open-proxy.ts';
export { lintVoidList } from './lint/void-list.ts';
export { lintUnmetUsers } from './lint/unmet-users.ts';
export { isLogLine, type LogEntry, readLogLine } from './learn/access-log.ts';
export { type GroupBy, Seen } from './learn/seen.ts';
export { proposePolicy } from './learn/propose.ts';
export { asComment } from './learn/sighting-text.ts';
export { type Count, type DeniedDestination, remedyOf, Summariser, type Summary } from './learn/summarise.ts';
