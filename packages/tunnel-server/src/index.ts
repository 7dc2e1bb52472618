/** The life of one tunnel, shared by both doors: what the doors and the program need of it, and no more. */
export type { Frontend, FrontendLikeness, Greeting, Identified, PlainHttp, PrereadLimits } from './frontend.ts';
export type { HelloFacts } from './hello-facts.ts';
export type { ReadHello } from './hello-inside.ts';
export type { Refusal, RefusalReason, Stage, AlertName } from './reasons.ts';
export { REFUSALS, TunnelError } from './reasons.ts';
export {
  fieldValue,
  findDoubtfulField,
  joinedValues,
  parseRequestHead,
  type RequestHead,
  type RequestHeadResult,
} from './http/request-head.ts';
export { malformedRequest, oversizedHead } from './http/malformed-request.ts';
export { parseAuthority } from './authority-form.ts';
export { type AddressChange, MachineAddresses } from './machine-addresses.ts';
export { ownAddresses } from './own-addresses.ts';
export { authenticateClient, type Gatekeeper } from './identity/authenticate-client.ts';
export { Authenticator } from './identity/authenticator.ts';
export { encodeAlert, refusalAlert } from './alert-record.ts';
export { departed } from './departed.ts';
export { recogniseTls } from './tls-opening.ts';
export { encodeSocksRefusal, type SocksVersion, socksVersionOf } from './socks-greeting.ts';
export { readForHead } from './http/read-request-head.ts';
export { limitsForWishes, type NeedMore, type Preread, prereadUntil } from './preread.ts';
export { encodeRefusal, type LastReply } from './refusal-reply.ts';
export { unexpectedHeader } from './proxy-header/unexpected.ts';
export { askedDestination } from './refusal/asked-destination.ts';
export { readReplyWishes, type ReplyWishes } from './refusal/reply-wishes.ts';
export type { RefusedTunnel } from './refusal/problem.ts';
export { Ledger, type RecordOptions } from './account/ledger.ts';
export type { LiveTunnel } from './account/live-tunnels.ts';
export type { TunnelFacts } from './account/tunnel-facts.ts';
export { Egresses, type Ways } from './egress/egress.ts';
export type { Door } from './door.ts';
export { openDoor } from './open-door.ts';
export { type Resolved, resolveDestination } from './resolve-destination.ts';
export { Repeats } from './repeat/repeats.ts';
export { createLimits, type Limits } from './limits/limits.ts';
export type { LimitedListener } from './limits/scopes.ts';
export { keepRedisLink } from './limits/shared/redis-link.ts';
export { SharedLimits } from './limits/shared/shared-limits.ts';
export { serveTunnel } from './serve-tunnel.ts';
export type { DoorNow } from './set-up.ts';
