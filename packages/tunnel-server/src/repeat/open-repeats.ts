/** Which of a door's tunnels are repeated, and as what verdict. */
import type { ListenerConfig } from '@sallyport/config';
import type { Verdict } from '@sallyport/tunnel-splice';
import type { DoorRepeats, UsualTunnel } from '../door.ts';
import type { DoorServices } from '../door-services.ts';
import type { DirectWay, UpAt } from '../egress/joining.ts';
import { isWhole } from '../egress/race.ts';
import { joinPlanOf, type PlanJoin } from '../open-dials.ts';
import { decideAnew } from './decide-anew.ts';
import { booksOf, type Template } from './enter-repeated.ts';
import type { Repeatable } from './repeats.ts';

/** For the dial and for the answer each. What takes longer is left to JavaScript, which does not know of the client meanwhile. */
const WITHIN_MS = 100;
/** A tunnel that took longer to come up is not repeated. */
const QUICK_MS = 50;

/** By the rules in force. Undefined where each client of this listener is decided anew. */
export function openRepeats(listener: ListenerConfig, services: DoorServices): DoorRepeats | undefined {
  const { repeats, transport, ledger } = services;
  if (repeats === undefined || !('remember' in transport) || !isAlike(listener)) return undefined;
  const planJoin = joinPlanOf(listener.timeouts, ledger.tunnelsOf(transport));
  const { generation } = repeats;
  return {
    cameUp: (tunnel, up) => {
      // Its socket may be that of another listener now.
      if (repeats.generation !== generation || ledger.isDraining) return;
      const { way } = tunnel;
      if (way === 'by-parent' || !mayBeRepeated(tunnel, way, up)) return;
      repeats.cameUp(keyOf(tunnel), () => describe(tunnel, up, { way, listener, services, planJoin }));
    },
  };
}

/** Whether the listener decides by nothing but the client's address and what it sends first. */
function isAlike(listener: ListenerConfig): boolean {
  if (listener.proxy_protocol !== undefined) return false;
  if (listener.mode === 'sni') return listener.intercept === 'none';
  return listener.tls === undefined && listener.auth === undefined && listener.verify_sni === 'off';
}

function mayBeRepeated({ record, next }: UsualTunnel, { egress, addresses }: DirectWay, { at }: UpAt): boolean {
  const isUsual = next === undefined && record.decision?.decision === 'allow' && record.remark === undefined;
  const isPlain = isWhole(addresses) && egress.proxyProtocol === undefined;
  const isQuick = performance.now() - at < QUICK_MS && (record.connectMs ?? 0) < QUICK_MS;
  return isUsual && isPlain && isQuick;
}

/** Clients with the same key are alike most of the time, and only `describe` looks closer. */
function keyOf({ record, door, identified: { clientBytes } }: UsualTunnel): string {
  const { clientIp, destination } = record;
  return `${door.name} ${clientIp.text} ${destination?.host} ${destination?.port} ${clientBytes.length}`;
}

interface Tools {
  readonly way: DirectWay;
  readonly listener: ListenerConfig;
  readonly services: DoorServices;
  readonly planJoin: PlanJoin;
}

function describe(tunnel: UsualTunnel, { upstream, at }: UpAt, tools: Tools): Repeatable | undefined {
  const { way, listener, services, planJoin } = tools;
  const { transport, resolver } = services;
  const { decision, destination, clientIp, connectMs } = tunnel.record;
  const likeness = tunnel.frontend.likeness?.();
  // Where the first address failed, the next one is dialled too, which only the usual way does.
  if (likeness === undefined || decision === undefined || way.addresses[0]?.host !== upstream.host) return undefined;
  // Its name may have got another address since.
  const dialledAt = at - (connectMs ?? 0);
  const holdsMs = (): number =>
    destination?.kind === 'name' ? resolver.holdsMs(destination.host, dialledAt) : Infinity;
  const plan = planJoin(tunnel, tunnel);
  const template = { tunnel, likeness, decision, egress: way.egress, upstream, keeper: plan.keeper };
  const enter = booksOf(template, listener, services);
  const order = orderOf(template, plan, listener);
  return {
    key: keyOf(tunnel),
    listener,
    client: clientIp,
    holdsMs: holdsMs(),
    remember: (terms) =>
      transport.remember?.({
        ...order,
        tunnels: terms.tunnels,
        holdsMs: terms.holdsMs,
        onRepeated: (number, repeated) => {
          const anew = terms.isDue() ? decideAnew(tunnel, holdsMs(), { way, upstream }) : undefined;
          terms.onRepeated(enter(number, repeated, anew !== undefined), anew);
        },
        onForgotten: terms.onForgotten,
      }) ?? false,
  };
}

/** What its verdicts have in common. */
function orderOf(
  { tunnel, likeness, egress, upstream, keeper }: Template,
  plan: ReturnType<PlanJoin>,
  { timeouts }: ListenerConfig,
): Omit<Verdict, 'tunnels' | 'holdsMs' | 'onRepeated' | 'onForgotten'> {
  return {
    client: tunnel.client,
    opening: likeness.opening,
    nonce: likeness.nonce,
    isSentUp: likeness.isSentUp,
    reply: plan.reply,
    guard: plan.guard,
    address: upstream,
    sourceHost: egress.sourceHost,
    keeper,
    idleTimeoutMs: plan.idleTimeoutMs,
    halfCloseTimeoutMs: plan.halfCloseTimeoutMs,
    keepAliveMs: plan.keepAliveMs,
    lifetimeMs: plan.lifetimeMs,
    withinMs: Math.min(WITHIN_MS, timeouts.connect),
  };
}
