/** One listener as a tunnel uses it: a method for each step of `serveTunnel`, in its order, and the module that implements it. */
import { compileNetworks, type Ip } from '@sallyport/addresses';
import type { ListenerConfig, SniListener } from '@sallyport/config';
import { decide, type Decision, type Destination, type Policy } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { ListenerMetrics, Metrics } from '@sallyport/telemetry';
import type {
  Address,
  DeadlineMs,
  Introduction,
  JoinPlan,
  Leg,
  SpliceOptions,
  Transport,
  TunnelNumber,
} from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { LiveTunnels } from './account/live-tunnels.ts';
import type { OwnAddresses } from '@sallyport/policy';
import { permitAnswer } from './permit-answer.ts';
import { resolveDestination, type Resolved } from './resolve-destination.ts';
import type { Joining, ParentAttempt } from './egress/by-parents.ts';
import { dialParent, type Errand, type ParentTools } from './egress/dial-parent.ts';
import { dialDirect, type DialListener, joinDirect, type Reached } from './egress/direct.ts';
import type { DirectEgress, Egresses, ParentEgress, Ways } from './egress/egress.ts';
import { introduceClient } from './proxy-header/introduce.ts';
import { headerFor } from './proxy-header/write.ts';
import type { DialList, RaceOptions } from './egress/race.ts';
import type { Frontend, Identified, PrereadLimits } from './frontend.ts';
import { admitClient, admitNextRequest, requireNotDraining } from './limits/admit-client.ts';
import type { Limits } from './limits/limits.ts';
import { requireHello } from './misdirected-connect.ts';
import { type RefusalReason, TunnelError } from './reasons.ts';
import { HELLO_RETRY_REQUEST } from './second-hello-records.ts';
import { type InterceptionTools, judgeIntercepted, resolveIntercepted } from './resolve-intercepted.ts';
import { type DecidedByHello, followDecided } from './follow-hello.ts';
import type { ReadHello } from './hello-inside.ts';
import type { SniResult, SniVerdict, UnverifiedTunnel } from './sni-check.ts';
import { enforceSni, reportSni } from './verify-sni.ts';

/** Each reload makes new doors; a tunnel keeps the door that accepted it. */
export interface Door {
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly metrics: ListenerMetrics;
  /** @param further what was read of a further request, on a connection of plain HTTP that is kept */
  openFrontend(client: Leg, further?: Uint8Array): Frontend;
  /**
   * Takes a place in the limits. Throws `client_limit` or `overload`. Returns a promise that may reject with them where replicas are
   * asked.
   */
  admit(client: Ip): Promise<void> | undefined;
  /** Whether the limits admit the client. Also true while draining, so that the client gets its refusal. */
  wouldAdmit(client: Ip): boolean;
  /** Identifies the balancers, if any: equal for two doors only where these are the same. */
  readonly senders?: string;
  /** Reads from a balancer which client it forwards. Left out where there is no balancer. */
  introduce?(wire: Pick<Leg, 'read' | 'putBack'>, peer: Address): Introduction | Promise<Introduction>;
  prereadLimits(): PrereadLimits;
  /** Throws `overload` for a client that was admitted before a drain and makes its request only now. */
  requireOpen(): void;
  /** For a further request of an admitted client. Throws `client_limit` or `overload`, or rejects with them. */
  admitNext(client: Ip): Promise<void> | undefined;
  /** The limits of a connection of plain HTTP that begins now. */
  httpLimits(): HttpLimits;
  readonly policy: Policy;
  /** The egresses, in the order in which they are tried. */
  waysOut(decision: Pick<Decision, 'egress'>): Ways;
  /** The first of them, which is direct. */
  directWay(decision: Decision | undefined): DirectEgress;
  decide(client: Ip, identified: Pick<Identified, 'destination' | 'user'>): Decision;
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
  /**
   * Throws `refused`, `unreachable`, `connect_timeout`, `overload` or `client_closed`.
   * @param deadline left out: that of a dial that begins now
   */
  dial(addresses: DialList, client: Leg, egress: DirectEgress, deadline?: DeadlineMs): Promise<Leg>;
  /** The deadline for a dial that begins now. */
  connectDeadline(): DeadlineMs;
  /** Throws or rejects: `loop`, `overload` or `client_closed`. */
  dialParent(parent: ParentEgress, errand: Errand): Promise<ParentAttempt>;
  /**
   * Left out where the hello inside a CONNECT is not read. Throws `sni_mismatch`, `ech`, `handshake_timeout`, `client_closed` or, for a
   * CONNECT at a transparent door, the error of the hello. Both legs are closed then.
   */
  verifySni?(tunnel: Omit<UnverifiedTunnel, 'limits'>): Promise<SniVerdict>;
  /**
   * Requires that a second hello names the host of the hello by which its tunnel was decided. Throws `sni_mismatch`, `handshake_timeout`
   * or `client_closed`, with both legs closed.
   */
  followHello(tunnel: Omit<DecidedByHello, 'limits'>): Promise<SniVerdict>;
  /**
   * Dials for a client whose tunnel is decided but for the address. The tunnel is up at the moment at which one of the addresses answers,
   * with no promise on the way there. {@link Joiner} is told what came of it.
   */
  join(addresses: DialList, tunnel: DecidedTunnel, joiner: Joiner): void;
  /** @param lifetimeDeadline when the connection ends in any case; left out: a lifetime from now on */
  splice(client: Leg, upstream: Leg, preread: PrereadBytes, lifetimeDeadline?: DeadlineMs): UpTunnel;
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
export type PrereadBytes = Pick<SpliceOptions, 'clientBytes' | 'upstreamBytes'>;

/** A tunnel as its door has decided it. */
export interface DecidedTunnel extends Required<Pick<JoinPlan, 'client' | 'reply' | 'clientBytes'>> {
  readonly egress: DirectEgress;
  /** `clientBytes` are the hello by which it was decided. The server may answer it with a HelloRetryRequest. */
  readonly isHello: boolean;
}

/** A tunnel that is up, and its keeper. */
export interface UpTunnel {
  readonly tunnels: LiveTunnels;
  readonly tunnel: TunnelNumber;
}

/**
 * Is told what came of a client's dial: `isUp`, then `joined`; or `connected` where a second hello may come, and all that follows the
 * first is still to be read, from either leg; or that it failed.
 */
export interface Joiner extends DialListener<Reached> {
  isUp(tunnels: LiveTunnels, tunnel: TunnelNumber, up: UpAt): void;
  /** The client was closed when `bytesUp` of its bytes were sent up, before the tunnel was up. */
  sentInVain(bytesUp: number): void;
}

/** Which upstream was the first to connect, and when. */
export interface UpAt {
  readonly upstream: Address;
  readonly at: DeadlineMs;
}

/** What all doors share. `limits`, `resolver`, `transport` and `metrics` outlive a reload; the rest belongs to one configuration. */
export interface DoorServices {
  readonly transport: Transport;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly resolver: Resolver;
  readonly policy: Policy;
  readonly egresses: Egresses;
  /** Our own listening addresses, as far as they are open by now. */
  readonly bound: { readonly own: OwnAddresses };
  readonly ledger: Pick<Ledger, 'isDraining' | 'tunnelsOf' | 'arrived'>;
  /** The transparent door's reader, for the explicit door's cross-check. */
  readonly readHello: ReadHello;
}

export function openDoor(listener: ListenerConfig, services: DoorServices, openFrontend: Door['openFrontend']): Door {
  const { name, mode, timeouts } = listener;
  const { transport, metrics, limits, resolver, policy, egresses, bound, ledger, readHello } = services;
  const tunnels = ledger.tunnelsOf(transport);
  const onAttempt = metrics.dialAttempt.bind(metrics);
  const own = metrics.forListener(name);
  const onResult = own.sniChecked.bind(own);
  const verifySni = openSniCheck(listener);
  const deniesEch = listener.ech === 'deny';
  const senders = listener.proxy_protocol && compileNetworks(listener.proxy_protocol);
  const isSourceKept = mode === 'sni' && listener.source === 'client';
  const prereadLimits = (): PrereadLimits => ({
    prereadLimitBytes: listener.limits.handshake_bytes,
    deadline: performance.now() + timeouts.handshake,
  });
  const dial: Transport['dial'] = (address, options) => transport.dial(address, options);
  // Written out, here and below: this runs for every tunnel, and objects made by spreading are slow.
  const connectDeadline = (): DeadlineMs => performance.now() + timeouts.connect;
  const raceOptions = (
    client: Leg,
    egress: DirectEgress,
    join?: JoinPlan,
    deadline = connectDeadline(),
  ): RaceOptions => ({
    dial,
    deadline,
    near: client,
    sourceHost: egress.sourceHost ?? (isSourceKept ? client.remote.host : undefined),
    isSourceForeign: isSourceKept && egress.sourceHost === undefined,
    preface: egress.proxyProtocol && headerFor(client, egress.proxyProtocol),
    secure: undefined,
    isAnswerAwaited: false,
    answer: undefined,
    join,
    onAttempt,
    onOutcome: egress.onOutcome,
  });
  const retryGuard = { beginning: HELLO_RETRY_REQUEST, answerTimeoutMs: timeouts.handshake };
  const joinPlan = (
    { client, reply, clientBytes, isHello }: Joining['tunnel'],
    joiner: Joining['joiner'],
  ): JoinPlan => ({
    client,
    reply,
    clientBytes,
    keeper: tunnels,
    idleTimeoutMs: timeouts.idle,
    halfCloseTimeoutMs: timeouts.half_close,
    keepAliveMs: timeouts.keepalive,
    lifetimeMs: timeouts.lifetime,
    guard: isHello ? retryGuard : undefined,
    onUp: (tunnel, upstream, at) => joiner.isUp(tunnels, tunnel, { upstream, at }),
    onUnjoined: (bytesUp) => joiner.sentInVain(bytesUp),
  });
  const parentTools: ParentTools = { dial, onAttempt, resolver, bound, planJoin: joinPlan };
  const interception = (onRemark: (sentence: string) => void): InterceptionTools => ({
    resolver,
    own: bound.own,
    onResult,
    onRemark,
  });
  const door: Door = {
    name,
    mode,
    metrics: own,
    openFrontend,
    admit: (client) => admitClient(limits, listener, client, ledger.isDraining),
    admitNext: (client) => admitNextRequest(limits, listener, client, ledger.isDraining),
    wouldAdmit: (client) => limits.wouldAdmit(listener, client),
    ...(senders && {
      senders: String(listener.proxy_protocol),
      introduce: (wire, peer) => {
        const arrival = ledger.arrived(door);
        const over = limits.awaitClient(listener);
        if (over === undefined) return arrival.introduced({ refusal: crowdedOut() });
        const introduced = introduceClient(wire, peer, senders, prereadLimits());
        if (introduced instanceof Promise) return arrival.whenIntroduced(introduced).finally(over);
        over();
        return arrival.introduced(introduced);
      },
    }),
    prereadLimits,
    requireOpen: () => requireNotDraining(ledger.isDraining),
    httpLimits: () => ({
      idleTimeoutMs: timeouts.idle,
      lifetimeDeadline: performance.now() + timeouts.lifetime,
    }),
    policy,
    waysOut: (decision) => egresses.waysOf(decision),
    directWay: (decision) => egresses.directOf(decision ?? {}),
    decide: (client, { destination, user }) => decide(policy, { client, listener: name, destination, user }),
    resolve: (identified, client, onRemark) =>
      isIntercepting(listener)
        ? resolveIntercepted(identified, client, listener, interception(onRemark))
        : resolveDestination(resolver, identified.destination, client),
    judgeName: (identified, client, onRemark) =>
      isIntercepting(listener) ? judgeIntercepted(identified, client, listener, interception(onRemark)) : undefined,
    permit: (resolved, destination, client) =>
      permitAnswer(resolved, destination, { rules: policy.destinations, own: bound.own }, client),
    dial: (addresses, client, egress, deadline) =>
      dialDirect(addresses, client, raceOptions(client, egress, undefined, deadline)),
    connectDeadline,
    dialParent: (parent, errand) => dialParent(parent, errand, parentTools),
    join: (addresses, tunnel, joiner) => {
      const { client, egress } = tunnel;
      joinDirect(addresses, client, raceOptions(client, egress, joinPlan(tunnel, joiner)), joiner);
    },
    ...(mode === 'sni' &&
      listener.verify_sni !== 'off' && { countUnnamed: (reason) => countUnnamed(reason, onResult) }),
    followHello: (tunnel) =>
      followDecided(
        { ...tunnel, limits: prereadLimits() },
        { readHello, onResult: listener.verify_sni === 'off' ? () => undefined : onResult, deniesEch },
      ),
    ...(verifySni && {
      verifySni: (tunnel) => verifySni({ ...tunnel, limits: prereadLimits() }, { readHello, onResult, deniesEch }),
    }),
    splice: (client, upstream, { clientBytes, upstreamBytes }, lifetimeDeadline) => ({
      tunnels,
      tunnel: transport.splice(client, upstream, {
        clientBytes,
        upstreamBytes,
        keeper: tunnels,
        idleTimeoutMs: timeouts.idle,
        halfCloseTimeoutMs: timeouts.half_close,
        keepAliveMs: timeouts.keepalive,
        lifetimeMs: lifetimeDeadline === undefined ? timeouts.lifetime : lifetimeDeadline - performance.now(),
      }),
    }),
  };
  return door;
}

function crowdedOut(): TunnelError {
  return new TunnelError('overload', 'The limits have no room for a peer whose PROXY header is still to be read.');
}

function isIntercepting(listener: ListenerConfig): listener is SniListener {
  return listener.mode === 'sni' && listener.intercept !== 'none';
}

function countUnnamed(reason: RefusalReason, onResult: (result: SniResult) => void): void {
  if (reason === 'no_sni') onResult('absent');
  if (reason === 'not_tls') onResult('not_tls');
}

function openSniCheck(listener: ListenerConfig): typeof enforceSni | undefined {
  if (listener.mode === 'sni') {
    return listener.misdirected === 'serve' ? (tunnel, tools) => requireHello(tunnel, tools, listener) : undefined;
  }
  if (listener.verify_sni === 'off') return undefined;
  return listener.verify_sni === 'enforce' ? enforceSni : reportSni;
}
