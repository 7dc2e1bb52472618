/** One listener as a tunnel uses it: a method for each step of `serveTunnel`, in its order. `open-door.ts` implements them. */
import type { Ip } from '@sallyport/addresses';
import type { Decision, Destination, Policy } from '@sallyport/policy';
import type { ListenerMetrics } from '@sallyport/telemetry';
import type { Address, DeadlineMs, Introduction, Leg, SpliceOptions, TunnelNumber } from '@sallyport/tunnel-splice';
import type { LiveTunnels } from './account/live-tunnels.ts';
import type { TunnelRecord } from './account/tunnel-record.ts';
import type { ParentAttempt, ParentRequest } from './egress/dial-parent.ts';
import type { DirectEgress, ParentEgress, Ways } from './egress/egress.ts';
import type { DecidedTunnel, DirectWay, Joiner, UpAt } from './egress/joining.ts';
import type { DialList } from './egress/race.ts';
import type { DecidedByHello } from './follow-hello.ts';
import type { Frontend, Greeting, Identified, PrereadLimits } from './frontend.ts';
import type { RefusalReason } from './reasons.ts';
import type { Resolved } from './resolve-destination.ts';
import type { SniVerdict, UnverifiedTunnel } from './sni-check.ts';

/** Each reload makes new doors; a tunnel keeps the door that accepted it. */
export interface Door extends DoorAdmission, DoorDecisions, DoorDials, DoorChecks {
  /** Left out where each client is decided anew. */
  readonly repeats?: DoorRepeats | undefined;
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly metrics: ListenerMetrics;
  /** @param further what was read of a further request, on a connection of plain HTTP that is kept */
  openFrontend(client: Leg, further?: Uint8Array): Frontend;
}

/** Which clients are served, and within which limits. */
export interface DoorAdmission {
  /** Identifies the balancers, if any: equal for two doors only where these are the same. */
  readonly senders?: string;
  /** Reads from a balancer which client it forwards. Left out where there is no balancer. */
  introduce?(wire: Pick<Leg, 'read' | 'putBack'>, peer: Address | undefined): Introduction | Promise<Introduction>;
  /**
   * Takes a place in the limits. Throws `client_limit` or `overload`. Returns a promise that may reject with them where replicas are
   * asked, and where tunnels that were repeated are still to be counted.
   */
  admit(client: Ip): Promise<void> | undefined;
  /** For a further request of an admitted client. Throws `client_limit` or `overload`, or rejects with them. */
  admitNext(client: Ip): Promise<void> | undefined;
  /** Whether the limits admit the client. Also true while draining, so that the client gets its refusal. */
  wouldAdmit(client: Ip): boolean;
  /** Throws `overload` for a client that was admitted before a drain and makes its request only now. */
  requireOpen(): void;
  prereadLimits(): PrereadLimits;
  /** The limits of a connection of plain HTTP, or of a tunnel, that begins now. */
  httpLimits(): HttpLimits;
}

/** Where a client may go, and at which addresses that is. */
export interface DoorDecisions {
  readonly policy: Policy;
  decide(client: Ip, identified: Pick<Identified, 'destination' | 'user'>): Decision;
  /** The egresses, in the order in which they are tried. */
  waysOut(decision: Pick<Decision, 'egress'>): Ways;
  /**
   * Throws `dns`, `dns_timeout` or `client_closed`; at an intercepting door also `loop` and `sni_mismatch`. A literal resolves to itself.
   * @param onRemark takes a sentence for the log on a fault that does not end the tunnel
   */
  resolve(identified: Identified, client: Leg, onRemark: (sentence: string) => void): Resolved | Promise<Resolved>;
  /**
   * For a name that a parent is to resolve: the addresses to dial in its place, if the address that an intercepted client chose decides.
   * Undefined at once at a door that does not intercept. Throws as `resolve` does.
   */
  judgeName(
    identified: Identified,
    client: Leg,
    onRemark: (sentence: string) => void,
  ): Promise<Resolved | undefined> | undefined;
  /**
   * The addresses that may be dialled, in dialling order. Throws `address` or `loop`, or `client_closed` where further answers were
   * awaited.
   */
  permit(resolved: Resolved, destination: Destination, client: Leg): DialList | Promise<DialList>;
}

/** The upstream, and the tunnel to it. */
export interface DoorDials {
  /** The deadline for a dial that begins now. */
  connectDeadline(): DeadlineMs;
  /**
   * Throws `refused`, `unreachable`, `connect_timeout`, `overload` or `client_closed`.
   * @param deadline left out: that of a dial that begins now
   */
  dial(addresses: DialList, client: Leg, egress: DirectEgress, deadline?: DeadlineMs): Promise<Leg>;
  /** Throws or rejects: `loop`, `overload` or `client_closed`. */
  dialParent(parent: ParentEgress, request: ParentRequest): Promise<ParentAttempt>;
  /**
   * Dials for a client whose tunnel is decided but for the address. The tunnel is up at the moment at which one of the addresses answers,
   * with no promise on the way there. `joiner` is told what came of it.
   */
  join(way: DirectWay, tunnel: DecidedTunnel, joiner: Joiner): void;
  /**
   * For a tunnel whose dial did not join it.
   * @param lifetimeDeadline when the connection ends in any case; left out: a lifetime from now on
   */
  splice(client: Leg, upstream: Leg, preread: PrereadBytes, lifetimeDeadline?: DeadlineMs): UpTunnel;
}

/** Tunnels that the transport makes by itself, for clients that come again and again. */
export interface DoorRepeats {
  /** A tunnel has come up by the usual way. */
  cameUp(tunnel: UsualTunnel, up: UpAt): void;
}

/** What is required of a ClientHello once the upstream is connected. */
export interface DoorChecks {
  /**
   * Left out where the hello inside a CONNECT is not read. Throws `sni_mismatch`, `ech`, `handshake_timeout`, `client_closed` or, for a
   * CONNECT at a transparent door, the error of the hello. Both legs are closed then.
   */
  verifySni?(tunnel: Omit<UnverifiedTunnel, 'limits'>): Promise<SniVerdict>;
  /**
   * Requires that a second hello names the host of the hello by which its tunnel was decided. Throws `sni_mismatch`, `ech`,
   * `handshake_timeout` or, where one of the two left when a second hello was due, `client_closed`, `upstream_closed` or `upstream_reset`,
   * with both legs closed.
   */
  followHello(tunnel: Omit<DecidedByHello, 'limits'>): Promise<SniVerdict>;
  /** Counts a refusal because of a missing name, where `verify_sni` would have checked it. Left out where it is off. */
  countUnnamed?(reason: RefusalReason): void;
}

/** See {@link Door.httpLimits}. */
export interface HttpLimits {
  /** The longest silence, within a request or between two. */
  readonly idleTimeoutMs: number;
  /** When the connection ends in any case. */
  readonly lifetimeDeadline: DeadlineMs;
}

/** Read from either side before the splice, and not relayed yet. */
export interface PrereadBytes extends Pick<SpliceOptions, 'clientBytes' | 'upstreamBytes'> {
  /** Since when no byte has gone either way; left out where the tunnel has just come up. */
  readonly quietSince?: DeadlineMs;
}

/** A tunnel that is up, and its keeper. */
export interface UpTunnel {
  readonly tunnels: LiveTunnels;
  readonly tunnel: TunnelNumber;
}

/** A tunnel that was set up step by step: what is looked at before it is repeated, and what its repetitions have in common with it. */
export interface UsualTunnel extends DecidedTunnel, Joiner {
  readonly record: Pick<TunnelRecord, 'clientIp' | 'connectMs' | 'decision' | 'destination' | 'remark'>;
  readonly frontend: Frontend;
  readonly identified: Identified;
  readonly greeting: Greeting;
  readonly way: DirectWay | 'by-parent';
  /** By which it came. */
  readonly door: Door;
  /** Undefined for the first request of a connection. */
  readonly next: object | undefined;
}
