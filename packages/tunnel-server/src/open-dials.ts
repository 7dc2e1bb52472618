/** How a door dials, and sets up its tunnels. */
import type { ListenerConfig } from '@sallyport/config';
import type {
  Address,
  AnswerGuard,
  DeadlineMs,
  JoinPlan,
  Leg,
  Transport,
  TunnelNumber,
} from '@sallyport/tunnel-splice';
import type { LiveTunnels } from './account/live-tunnels.ts';
import type { DoorDials } from './door.ts';
import type { DoorServices } from './door-services.ts';
import { dialParent, type ParentTools } from './egress/dial-parent.ts';
import { dialDirect, joinDirect } from './egress/direct.ts';
import type { DirectEgress } from './egress/egress.ts';
import type { Joining } from './egress/joining.ts';
import type { RaceOptions } from './egress/race.ts';
import { headerFor } from './proxy-header/write.ts';
import { HELLO_RETRY_REQUEST } from './second-hello-records.ts';

type DialServices = Pick<DoorServices, 'transport' | 'metrics' | 'resolver' | 'bound' | 'ledger'>;

/** The part of a door that dials. Called once for each listener, not for each tunnel. */
export function openDials(listener: ListenerConfig, services: DialServices): DoorDials {
  const { transport, metrics, resolver, bound, ledger } = services;
  const { timeouts } = listener;
  const tunnels = ledger.tunnelsOf(transport);
  const dial: Transport['dial'] = (address, options) => transport.dial(address, options);
  const onAttempt = metrics.dialAttempt.bind(metrics);
  const connectDeadline = (): DeadlineMs => performance.now() + timeouts.connect;
  const raceOptions = raceOptionsOf(listener, { dial, onAttempt });
  const planJoin = joinPlanOf(timeouts, tunnels);
  const parentTools: ParentTools = { dial, onAttempt, resolver, bound, planJoin };
  return {
    connectDeadline,
    dial: (addresses, client, egress, deadline = connectDeadline()) =>
      dialDirect(addresses, client, raceOptions(client, egress, deadline)),
    dialParent: (parent, request) => dialParent(parent, request, parentTools),
    join: ({ addresses, egress }, tunnel, joiner) => {
      const { client } = tunnel;
      const plan = planJoin(tunnel, joiner);
      joinDirect(addresses, client, raceOptions(client, egress, connectDeadline(), plan), joiner);
    },
    splice: (client, upstream, { clientBytes, upstreamBytes, quietSince }, lifetimeDeadline) => ({
      tunnels,
      tunnel: transport.splice(client, upstream, {
        clientBytes,
        upstreamBytes,
        keeper: tunnels,
        idleTimeoutMs: timeouts.idle,
        quietMs: quietSince === undefined ? 0 : performance.now() - quietSince,
        halfCloseTimeoutMs: timeouts.half_close,
        keepAliveMs: timeouts.keepalive,
        lifetimeMs: lifetimeDeadline === undefined ? timeouts.lifetime : lifetimeDeadline - performance.now(),
      }),
    }),
  };
}

// The options below are written out: they are made for every tunnel, and objects made by spreading are slow.

function raceOptionsOf(listener: ListenerConfig, { dial, onAttempt }: Pick<ParentTools, 'dial' | 'onAttempt'>) {
  const isSourceKept = listener.mode === 'sni' && listener.source === 'client';
  return (client: Leg, egress: DirectEgress, deadline: DeadlineMs, join?: JoinPlan): RaceOptions => ({
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
}

export type PlanJoin = (...tunnel: Parameters<ParentTools['planJoin']>) => DoorPlan;

/** The plans of a listener's tunnels. */
export function joinPlanOf(timeouts: ListenerConfig['timeouts'], tunnels: LiveTunnels): PlanJoin {
  const terms = { timeouts, tunnels, guard: { beginning: HELLO_RETRY_REQUEST, answerTimeoutMs: timeouts.handshake } };
  return (tunnel, joiner) => new DoorPlan(tunnel, joiner, terms);
}

/** What the plans of one listener have in common. */
interface Terms {
  readonly timeouts: ListenerConfig['timeouts'];
  readonly tunnels: LiveTunnels;
  readonly guard: AnswerGuard;
}

/** The plan by which a dial joins its client as soon as an address answers. Its methods are no closures: it is made for every tunnel. */
class DoorPlan implements JoinPlan {
  readonly client: Leg;
  readonly reply: Uint8Array;
  readonly clientBytes: Uint8Array | undefined;
  readonly keeper: LiveTunnels;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly lifetimeMs: number;
  readonly guard: AnswerGuard | undefined;
  readonly #joiner: Joining['joiner'];

  constructor(
    { client, reply, clientBytes, isHello }: Joining['tunnel'],
    joiner: Joining['joiner'],
    { timeouts, tunnels, guard }: Terms,
  ) {
    this.client = client;
    this.reply = reply;
    this.clientBytes = clientBytes;
    this.keeper = tunnels;
    this.idleTimeoutMs = timeouts.idle;
    this.halfCloseTimeoutMs = timeouts.half_close;
    this.keepAliveMs = timeouts.keepalive;
    this.lifetimeMs = timeouts.lifetime;
    this.guard = isHello ? guard : undefined;
    this.#joiner = joiner;
  }

  onUp(tunnel: TunnelNumber, upstream: Address, at: DeadlineMs): void {
    this.#joiner.isUp(this.keeper, tunnel, { upstream, at });
  }

  onUnjoined(bytesUp: number): void {
    this.#joiner.sentInVain(bytesUp);
  }
}
