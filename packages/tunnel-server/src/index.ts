/** The life of one tunnel, shared by both doors: what the doors and the program need of it, and no more. */
export type { Frontend, Identified, PrereadLimits } from './frontend.ts';
export type { HelloFacts } from './hello-facts.ts';
export type { FailureOutcome, ProxyError, Refusal, RefusalReason, Stage, AlertName } from './reasons.ts';
export { ALERT, REFUSALS, TunnelError } from './reasons.ts';
export type { Destination, MalformedDestination } from './destination.ts';
export { destinationText, parseDestination } from './destination.ts';
export type { Ip } from './addresses/ip.ts';
export { parseIp } from './addresses/ip.ts';
export { encodeAlert } from './alert-record.ts';
