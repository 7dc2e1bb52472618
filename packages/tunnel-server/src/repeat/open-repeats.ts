/** Which of a door's tunnels are repeated, as what verdict, and how each repetition is entered in the books. */
import type { ListenerConfig } from '@sallyport/config';
import type { Decision } from '@sallyport/policy';
import type { Address, Repeated, TunnelNumber } from '@sallyport/tunnel-splice';
import type { LiveTunnels } from '../account/live-tunnels.ts';
import { NO_PLACE } from '../account/hellos-under-way.ts';
import { joinTexts } from '../account/resting-facts.ts';
import { countDecision } from '../account/tunnel-record.ts';
import type { DoorRepeats, UsualTunnel } from '../door.ts';
import type { DoorServices } from '../door-services.ts';
import type { DirectWay, UpAt } from '../egress/joining.ts';
import { countAttempt, type DialList } from '../egress/race.ts';
import type { WaySeeker } from '../find-addresses.ts';
import type { FrontendLikeness } from '../frontend.ts';
import { joinPlanOf, type PlanJoin } from '../open-dials.ts';
import { findWay } from '../reach-destination.ts';
import { type Model, RepeatedFacts } from './repeated-facts.ts';
import type { Repeatable, Terms } from './repeats.ts';

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

/** No further answer is awaited. */
const isWhole = (addresses: DialList): boolean => addresses.late === undefined;

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
  const { client, frontend, record } = tunnel;
  const { way, listener, services, planJoin } = tools;
  const likeness = frontend.likeness?.();
  const [first] = way.addresses;
  // Where the first address failed, the next one is dialled too, which only the usual way does.
  if (likeness === undefined || first?.host !== upstream.host) return undefined;
  const { transport, resolver } = services;
  const { destination } = record;
  // Its name may have got another address since.
  const dialledAt = at - (record.connectMs ?? 0);
  const holdsMs = (): number =>
    destination?.kind === 'name' ? resolver.holdsMs(destination.host, dialledAt) : Infinity;
  const plan = planJoin(tunnel, tunnel);
  const enter = booksOf(tunnel, likeness, { upstream, keeper: plan.keeper }, tools);
  if (enter === undefined) return undefined;
  return {
    key: keyOf(tunnel),
    listener,
    client: record.clientIp,
    holdsMs: holdsMs(),
    remember: ({ tunnels, holdsMs: termMs, isDue, onRepeated, onForgotten }: Terms) =>
      transport.remember?.({
        client,
        opening: likeness.opening,
        nonce: likeness.nonce,
        isSentUp: likeness.isSentUp,
        reply: plan.reply,
        guard: plan.guard,
        address: upstream,
        sourceHost: way.egress.sourceHost,
        keeper: plan.keeper,
        idleTimeoutMs: plan.idleTimeoutMs,
        halfCloseTimeoutMs: plan.halfCloseTimeoutMs,
        keepAliveMs: plan.keepAliveMs,
        lifetimeMs: plan.lifetimeMs,
        tunnels,
        holdsMs: termMs,
        withinMs: Math.min(WITHIN_MS, listener.timeouts.connect),
        onRepeated: (number, repeated) => {
          const anew = isDue() ? decideAnew(tunnel, holdsMs(), { way, upstream }) : undefined;
          onRepeated(enter(number, repeated, anew !== undefined), anew);
        },
        onForgotten,
      }) ?? false,
  };
}

/**
 * Finds the way of a tunnel once more, as its door does for a client that comes now. Returns for how long, in milliseconds, it will be the
 * way it was; 0 where it is another one by now; undefined where its name has to be looked up again, which only the usual way does.
 */
function decideAnew(
  tunnel: UsualTunnel,
  holdsMs: number,
  { way, upstream }: Pick<Tools, 'way'> & Pick<UpAt, 'upstream'>,
): number | undefined {
  if (holdsMs === 0) return undefined;
  const { client, door, record, identified } = tunnel;
  let decision: Decision | undefined;
  const rehearsal: WaySeeker['record'] = {
    clientIp: record.clientIp,
    isClientUnknown: false,
    enter: nothing,
    decided: (decided) => (decision = decided),
    leavesBy: nothing,
    remarked: nothing,
  };
  try {
    const found = findWay({ client, door, record: rehearsal }, identified);
    if (found instanceof Promise) return void found.catch(nothing);
    if (found === 'by-parent' || !isWhole(found.addresses)) return 0;
    const isSame = decision === record.decision && found.egress === way.egress;
    return isSame && found.addresses[0]?.host === upstream.host ? holdsMs : 0;
  } catch {
    return 0;
  }
}

const nothing = (): void => undefined;

/**
 * Returns what enters a tunnel in all books, as the steps of `serveTunnel` and the dial do on their way, and says whether another live
 * tunnel has sent the same hello. Where it `isDecided` as well, the cache of names was asked by that.
 */
function booksOf(
  tunnel: UsualTunnel,
  { identified, randomOf }: FrontendLikeness,
  { upstream, keeper }: { readonly upstream: Address; readonly keeper: LiveTunnels },
  { way: { egress }, listener, services }: Tools,
): ((number: TunnelNumber, repeated: Repeated, isDecided: boolean) => boolean) | undefined {
  const { door, record, greeting } = tunnel;
  const { limits, ledger, resolver, metrics, repeats } = services;
  const { destination, hello } = identified;
  const { decision, clientIp: client } = record;
  if (decision === undefined) return undefined;
  const onAttempt = metrics.dialAttempt.bind(metrics);
  const { status } = greeting;
  const none = { original: undefined, user: undefined, remark: undefined };
  const texts = joinTexts({ client: { host: client.text }, destination, upstream, hello, ...none });
  const model: Model = { door, client, destination, hello, decision, egress: egress.name, upstream, status, texts };
  return (number, repeated, isDecided) => {
    limits.enter(listener, client);
    if (hello !== undefined) door.metrics.clientHello(hello.tls, hello.ech);
    countDecision(door.metrics, decision);
    if (destination.kind === 'name' && !isDecided) resolver.reused(destination.host);
    const helloPlace = randomOf === undefined ? NO_PLACE : ledger.hellos.add(randomOf(repeated.nonce));
    egress.onOutcome(true);
    countAttempt(upstream, JOINED, { onAttempt });
    door.metrics.repeated();
    keeper.isUp(number, new RepeatedFacts(model, ledger.nextNumber(), helloPlace, repeated));
    void repeats?.heed(client);
    return ledger.hellos.isAgain(helloPlace);
  };
}

const JOINED = { kind: 'joined' } as const;
