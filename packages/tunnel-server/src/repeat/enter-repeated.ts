/** How a tunnel that was repeated is entered in all books: as the steps of `serveTunnel` and the dial enter others on their way. */
import type { ListenerConfig } from '@sallyport/config';
import type { Decision } from '@sallyport/policy';
import type { Address, Repeated, TunnelNumber } from '@sallyport/tunnel-splice';
import { NO_PLACE } from '../account/hellos-under-way.ts';
import type { LiveTunnels } from '../account/live-tunnels.ts';
import { listTexts } from '../account/resting-facts.ts';
import { countDecision } from '../account/tunnel-record.ts';
import type { UsualTunnel } from '../door.ts';
import type { DoorServices } from '../door-services.ts';
import type { DirectEgress } from '../egress/egress.ts';
import { countAttempt } from '../egress/race.ts';
import type { FrontendLikeness } from '../frontend.ts';
import { type Model, RepeatedFacts } from './repeated-facts.ts';

/** The tunnel that is repeated: it has come up by the usual way. */
export interface Template {
  readonly tunnel: UsualTunnel;
  readonly likeness: FrontendLikeness;
  readonly decision: Decision;
  readonly egress: DirectEgress;
  readonly upstream: Address;
  readonly keeper: LiveTunnels;
}

/** Returns whether another live tunnel has sent the same hello. Where the tunnel was decided as well, that has asked the cache of names. */
type Enter = (number: TunnelNumber, repeated: Repeated, isDecided: boolean) => boolean;

/** What it returns is called for each tunnel that is made like the template. */
export function booksOf(template: Template, listener: ListenerConfig, services: DoorServices): Enter {
  const { limits, ledger, resolver, metrics, repeats } = services;
  const { tunnel, likeness, decision, egress, upstream, keeper } = template;
  const { identified, randomOf } = likeness;
  const { destination, hello } = identified;
  const { clientIp } = tunnel.record;
  const { door } = tunnel;
  const onAttempt = metrics.dialAttempt.bind(metrics);
  const model = modelOf(template);
  return (number, repeated, isDecided) => {
    limits.enter(listener, clientIp);
    if (hello !== undefined) door.metrics.clientHello(hello.tls, hello.ech);
    countDecision(door.metrics, decision);
    if (destination.kind === 'name' && !isDecided) resolver.reused(destination.host);
    const helloPlace = randomOf === undefined ? NO_PLACE : ledger.hellos.add(randomOf(repeated.nonce));
    egress.onOutcome(true);
    countAttempt(upstream, JOINED, { onAttempt });
    door.metrics.repeated();
    keeper.isUp(number, new RepeatedFacts(model, ledger.nextNumber(), helloPlace, repeated));
    void repeats?.heed(clientIp);
    return ledger.hellos.isAgain(helloPlace);
  };
}

const JOINED = { kind: 'joined' } as const;

function modelOf({ tunnel, likeness, decision, egress, upstream }: Template): Model {
  const { destination, hello } = likeness.identified;
  const client = tunnel.record.clientIp;
  const none = { original: undefined, user: undefined, remark: undefined };
  const texts = listTexts({ client: { host: client.text }, destination, upstream, hello, ...none });
  const { status } = tunnel.greeting;
  return { door: tunnel.door, client, destination, hello, decision, egress: egress.name, upstream, status, texts };
}
