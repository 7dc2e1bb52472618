/** Which of a door's tunnels may be repeated, and the books of those that were. */
import type { ListenerConfig } from '@sallyport/config';
import type { Address, Repeated, TunnelNumber } from '@sallyport/tunnel-splice';
import type { LiveTunnels } from '../account/live-tunnels.ts';
import { NO_PLACE } from '../account/hellos-under-way.ts';
import { joinTexts } from '../account/resting-facts.ts';
import { countDecision } from '../account/tunnel-record.ts';
import type { DoorRepeats } from '../door.ts';
import type { DoorServices } from '../door-services.ts';
import type { UpAt } from '../egress/joining.ts';
import { countAttempt } from '../egress/race.ts';
import { joinPlanOf, type PlanJoin } from '../open-dials.ts';
import type { SetUp } from '../set-up.ts';
import type { FrontendLikeness } from './likeness.ts';
import { type Model, RepeatedFacts } from './repeated-facts.ts';
import type { Repeatable, Terms } from './repeats.ts';

/** A dial, or its answer, that takes longer is none that the transport should make by itself: nobody knows of its client meanwhile. */
const WITHIN_MS = 100;
/** A tunnel that took longer to come up is not repeated. */
const QUICK_MS = 50;

/** Undefined where each client of this listener is decided anew. */
export function openRepeats(listener: ListenerConfig, services: DoorServices): DoorRepeats | undefined {
  const { repeats, transport, ledger } = services;
  if (repeats === undefined || !('remember' in transport) || !isAlike(listener)) return undefined;
  const planJoin = joinPlanOf(listener.timeouts, ledger.tunnelsOf(transport));
  return {
    cameUp: (setUp, up) => {
      if (!mayBeRepeated(setUp, up)) return;
      repeats.cameUp(keyOf(setUp), () => describe(setUp, up, { listener, services, planJoin }));
    },
  };
}

/** Whether the listener decides by nothing but the client's address and what it sends first. */
function isAlike(listener: ListenerConfig): boolean {
  if (listener.proxy_protocol !== undefined) return false;
  if (listener.mode === 'sni') return listener.intercept === 'none';
  return listener.tls === undefined && listener.auth === undefined && listener.verify_sni === 'off';
}

function mayBeRepeated({ record, next, door, doorNow, ledger, way, egress }: SetUp, { at }: UpAt): boolean {
  const isUsual = next === undefined && record.decision?.decision === 'allow' && record.remark === undefined;
  const isDirect = way !== 'by-parent' && way.late === undefined && egress.proxyProtocol === undefined;
  const isQuick = performance.now() - at < QUICK_MS && (record.connectMs ?? 0) < QUICK_MS;
  return isUsual && isDirect && isQuick && !ledger.isDraining && doorNow() === door;
}

function keyOf({ record, door, identified: { clientBytes } }: SetUp): string {
  const { clientIp, destination } = record;
  return `${door.name} ${clientIp.text} ${destination?.host} ${destination?.port} ${clientBytes.length}`;
}

interface Tools {
  readonly listener: ListenerConfig;
  readonly services: DoorServices;
  readonly planJoin: PlanJoin;
}

function describe(setUp: SetUp, { upstream }: UpAt, { listener, services, planJoin }: Tools): Repeatable | undefined {
  const { client, way, frontend, record } = setUp;
  const likeness = frontend.likeness?.();
  const [first] = way === 'by-parent' ? [] : way;
  // Where the first address failed, the next one is dialled too, which only the usual way does.
  if (likeness === undefined || first?.host !== upstream.host) return undefined;
  const { transport, resolver } = services;
  const { destination } = record;
  const plan = planJoin(setUp, setUp);
  const book = bookOf(setUp, likeness, { upstream, keeper: plan.keeper }, { listener, services });
  if (book === undefined) return undefined;
  return {
    key: keyOf(setUp),
    listener,
    client: record.clientIp,
    holdsMs: destination?.kind === 'name' ? resolver.holdsMs(destination.host) : Infinity,
    remember: ({ tunnels, holdsMs, onRepeated, onForgotten }: Terms) =>
      transport.remember?.({
        client,
        opening: likeness.opening,
        nonce: likeness.nonce,
        isSentUp: likeness.isSentUp,
        reply: plan.reply,
        guard: plan.guard,
        address: upstream,
        sourceHost: setUp.egress.sourceHost,
        keeper: plan.keeper,
        idleTimeoutMs: plan.idleTimeoutMs,
        halfCloseTimeoutMs: plan.halfCloseTimeoutMs,
        keepAliveMs: plan.keepAliveMs,
        lifetimeMs: plan.lifetimeMs,
        tunnels,
        holdsMs,
        withinMs: WITHIN_MS,
        onRepeated: (tunnel, repeated) => {
          onRepeated(book(tunnel, repeated));
        },
        onForgotten,
      }) ?? false,
  };
}

/**
 * Enters a tunnel in all books, as the steps of `serveTunnel` and the dial do on their way. The function returns whether another live
 * tunnel has sent the same hello.
 */
function bookOf(
  setUp: SetUp,
  { identified, randomOf }: FrontendLikeness,
  { upstream, keeper }: { readonly upstream: Address; readonly keeper: LiveTunnels },
  { listener, services }: Omit<Tools, 'planJoin'>,
): ((tunnel: TunnelNumber, repeated: Repeated) => boolean) | undefined {
  const { door, ledger, egress, record } = setUp;
  const { limits, resolver, metrics, repeats } = services;
  const { destination, hello } = identified;
  const { decision, clientIp: client } = record;
  if (decision === undefined) return undefined;
  const onAttempt = metrics.dialAttempt.bind(metrics);
  const { status } = setUp.greeting;
  const point = { host: client.text };
  const texts = joinTexts({
    client: point,
    destination,
    upstream,
    hello,
    original: undefined,
    user: undefined,
    remark: undefined,
  });
  const model: Model = { door, client, destination, hello, decision, egress: egress.name, upstream, status, texts };
  return (tunnel, repeated) => {
    limits.enter(listener, client);
    if (hello !== undefined) door.metrics.clientHello(hello.tls, hello.ech);
    countDecision(door.metrics, decision);
    if (destination.kind === 'name') resolver.peek(destination.host);
    const helloPlace = randomOf === undefined ? NO_PLACE : ledger.hellos.add(randomOf(repeated.nonce));
    egress.onOutcome(true);
    countAttempt(upstream, JOINED, { onAttempt });
    door.metrics.repeated();
    keeper.isUp(tunnel, new RepeatedFacts(model, ledger.nextNumber(), helloPlace, repeated));
    void repeats?.heed(client);
    return ledger.hellos.isAgain(helloPlace);
  };
}

const JOINED = { kind: 'joined' } as const;
