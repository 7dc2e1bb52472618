/** The facts of one tunnel, whether it was up or not, and how they are written to the access log. */
import { type Decision, destinationText } from '@sallyport/policy';
import type { ListenerMetrics, LiveLine, TunnelLine } from '@sallyport/telemetry';
import type { DeadlineMs, TunnelCounts, TunnelEnd } from '@sallyport/tunnel-splice';
import type { HelloFacts } from '../hello-facts.ts';
import type { FailureOutcome, RefusalReason, Stage } from '../reasons.ts';

/** Why we end a tunnel that is up, besides its deadlines. */
export type CutReason = 'drain' | 'admin' | 'policy';

/** What the log says of one that never was up. */
export const CUT_SHORT = 'Sallyport ended before the tunnel was up.';

/** What the log says of one that a reload has cut (`runtime.reload_tunnels: recheck`). */
export const DENIED_BY_RELOAD = 'The rules of a reload deny it.';

/** How any tunnel ended: the same word in the log, the metrics and the tests. */
export type EndReason = RefusalReason | Exclude<TunnelEnd, 'cut'> | CutReason;

/** The door by which the client came, as far as a record uses it. */
export interface RecordedDoor {
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly metrics: ListenerMetrics;
}

/** One end of the tunnel, or its destination: a name or an IP literal, and a port. */
export interface Point {
  readonly host: string;
  readonly port: number;
}

/** The facts of a ClientHello that are recorded. */
export type RecordedHello = Omit<HelloFacts, 'literal' | 'random'>;

/** Times are in milliseconds, moments on the clock of `performance.now()`. What is not known, or does not apply, is undefined. */
export interface TunnelFacts {
  /** The number of the record in this process. Its id contains it. */
  readonly number: number;
  readonly door: RecordedDoor;
  /** As an IP literal; `::` where the transport did not know it. */
  readonly client: Point;
  readonly openedAt: DeadlineMs;
  /** It has a place in the limits, which is given back at its end. */
  readonly hasPlace: boolean;
  readonly user: string | undefined;
  readonly destination: Point | undefined;
  readonly hello: RecordedHello | undefined;
  /** Among the hellos under way; -1 for none. */
  readonly helloPlace: number;
  readonly original: Point | undefined;
  readonly decision: Decision | undefined;
  readonly hasDialled: boolean;
  /** The egress that was tried last. */
  readonly egress: string | undefined;
  readonly upstream: Point | undefined;
  readonly resolveMs: number | undefined;
  readonly connectMs: number | undefined;
  /** When its upstream was connected. */
  readonly upAt: DeadlineMs | undefined;
  /** The HTTP status that the client got. */
  readonly status: number | undefined;
  /** A sentence on a fault that was found and did not end the tunnel. */
  readonly remark: string | undefined;
  /** What was relayed, and counted, before its transport had it. */
  readonly carried?: TunnelCounts | undefined;
  /** Its texts as `listTexts` lists them, where other tunnels have the same. */
  readonly texts?: readonly string[] | undefined;
  /** It has its line `open` already, as a request that has become a tunnel. */
  readonly isLogged?: boolean;
}

/** How it ended. */
export interface Ending {
  readonly outcome: 'ok' | FailureOutcome;
  readonly reason: EndReason;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly endedAt: DeadlineMs;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly firstByteMs: number | undefined;
  /** The step in which it ended, where it never was up; and a sentence on why, where there is more to say than the reason. */
  readonly stage?: Stage;
  readonly detail?: string | undefined;
}

/** Written out as one literal: objects made by spreading cost fifty microseconds a line, most of it in the garbage collector. */
export function tunnelLine(id: string, facts: TunnelFacts, ending: Ending): TunnelLine {
  const { hello } = facts;
  return {
    id,
    listener: facts.door.name,
    mode: facts.door.mode,
    rule: facts.decision?.rule,
    decision: verdict(facts, ending.reason),
    would_deny: facts.decision?.wouldDeny,
    egress: facts.hasDialled ? facts.egress : undefined,
    client: facts.client.host,
    client_port: facts.client.port,
    user: facts.user,
    host: facts.destination?.host,
    port: facts.destination?.port,
    sni: hello?.sni,
    alpn: hello && hello.alpn.length > 0 ? hello.alpn : undefined,
    alpn_more: hello && hello.alpnDropped > 0 ? hello.alpnDropped : undefined,
    tls: hello?.tls,
    ech: hello?.ech,
    original: facts.original && destinationText(facts.original),
    upstream: facts.upstream && destinationText(facts.upstream),
    bytes_up: ending.bytesUp,
    bytes_down: ending.bytesDown,
    resolve_ms: inMicroseconds(facts.resolveMs),
    connect_ms: inMicroseconds(facts.connectMs),
    first_byte_ms: inMicroseconds(ending.firstByteMs),
    duration_ms: inMicroseconds(ending.endedAt - facts.openedAt),
    status: facts.status,
    outcome: ending.outcome,
    reason: ending.reason,
    stage: ending.stage,
    detail: ending.detail ?? facts.remark,
  };
}

/** For a tunnel that is up; without counts, for one that has just come up. */
export function liveLine(id: string, facts: TunnelFacts, counts?: TunnelCounts): LiveLine {
  return {
    id,
    listener: facts.door.name,
    mode: facts.door.mode,
    rule: facts.decision?.rule,
    decision: facts.decision?.decision,
    would_deny: facts.decision?.wouldDeny,
    egress: facts.egress,
    client: facts.client.host,
    client_port: facts.client.port,
    user: facts.user,
    host: facts.destination?.host,
    port: facts.destination?.port,
    upstream: facts.upstream && destinationText(facts.upstream),
    bytes_up: counts?.bytesUp,
    bytes_down: counts?.bytesDown,
    duration_ms: inMicroseconds(performance.now() - facts.openedAt),
  };
}

/** In milliseconds. A data thread relays at once, and may read the first byte before this thread has noted that the tunnel is up. */
export function untilFirstByte(firstByteAt: DeadlineMs | undefined, upAt: DeadlineMs | undefined): number | undefined {
  return firstByteAt === undefined || upAt === undefined ? undefined : Math.max(0, firstByteAt - upAt);
}

/** Milliseconds to three places. */
function inMicroseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}

/** A refusal by address is a denial too, whatever the rules said. */
function verdict({ decision }: TunnelFacts, reason: EndReason): TunnelLine['decision'] {
  return reason === 'address' || reason === 'loop' ? 'deny' : decision?.decision;
}
