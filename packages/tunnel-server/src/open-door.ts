/** Makes a listener's door: which module implements each step of `serveTunnel`, in its order. */
import { compileNetworks, parseIp } from '@sallyport/addresses';
import type { ListenerConfig, SniListener } from '@sallyport/config';
import { decide } from '@sallyport/policy';
import type { SniCheckResult } from '@sallyport/telemetry';
import type { Door, DoorAdmission, DoorChecks, DoorDecisions } from './door.ts';
import type { DoorServices } from './door-services.ts';
import { followDecided } from './follow-hello.ts';
import type { PrereadLimits } from './frontend.ts';
import { admitClient, admitNextRequest, requireNotDraining } from './limits/admit-client.ts';
import { requireHello } from './misdirected-connect.ts';
import { openDials } from './open-dials.ts';
import { permitAnswer } from './permit-answer.ts';
import { openRepeats } from './repeat/open-repeats.ts';
import type { Introduced } from './proxy-header/arrival.ts';
import { introduceClient } from './proxy-header/introduce.ts';
import { type RefusalReason, TunnelError } from './reasons.ts';
import { resolveDestination } from './resolve-destination.ts';
import { type InterceptionTools, judgeIntercepted, resolveIntercepted } from './resolve-intercepted.ts';
import { enforceSni, reportSni } from './verify-sni.ts';

/** What the parts of one door share. */
interface Shared {
  readonly listener: ListenerConfig;
  readonly services: DoorServices;
  readonly prereadLimits: () => PrereadLimits;
  readonly onResult: (result: SniCheckResult) => void;
  /** The door itself. Only once it is made. */
  readonly self: () => Door;
}

/** Opens no socket: the program gives the door its clients. */
export function openDoor(listener: ListenerConfig, services: DoorServices, openFrontend: Door['openFrontend']): Door {
  const { name, mode, timeouts, limits } = listener;
  const metrics = services.metrics.forListener(name);
  const shared: Shared = {
    listener,
    services,
    prereadLimits: () => ({
      prereadLimitBytes: limits.handshake_bytes,
      deadline: performance.now() + timeouts.handshake,
    }),
    onResult: metrics.sniChecked.bind(metrics),
    self: () => door,
  };
  const door: Door = {
    name,
    mode,
    metrics,
    openFrontend,
    ...openAdmission(shared),
    ...openDecisions(shared),
    ...openDials(listener, services),
    repeats: openRepeats(listener, services),
    ...openHelloChecks(shared),
  };
  return door;
}

function openAdmission(shared: Shared): DoorAdmission {
  const { listener, services, prereadLimits } = shared;
  const { limits, ledger, repeats } = services;
  const { timeouts } = listener;
  const admit: DoorAdmission['admit'] = (client) => admitClient(limits, listener, client, ledger.isDraining);
  return {
    ...openIntroduction(shared),
    admit: (client) => {
      const counted = repeats?.heed(client);
      return counted === undefined ? admit(client) : counted.then(() => admit(client));
    },
    admitNext: (client) => admitNextRequest(limits, listener, client, ledger.isDraining),
    wouldAdmit: (client) => limits.wouldAdmit(listener, client),
    requireOpen: () => requireNotDraining(ledger.isDraining),
    prereadLimits,
    httpLimits: () => ({
      idleTimeoutMs: timeouts.idle,
      lifetimeDeadline: performance.now() + timeouts.lifetime,
    }),
  };
}

function openIntroduction(shared: Shared): Pick<DoorAdmission, 'senders' | 'introduce'> {
  const { listener, services, prereadLimits, self } = shared;
  const { limits, ledger, repeats } = services;
  if (!listener.proxy_protocol) return {};
  const senders = compileNetworks(listener.proxy_protocol);
  const introduce: Introduce = (wire, peer) => {
    const over = limits.awaitClient(listener);
    if (over === undefined) return { refusal: crowdedOut() };
    const introduced = introduceClient(wire, peer, senders, prereadLimits());
    if (introduced instanceof Promise) return introduced.finally(over);
    over();
    return introduced;
  };
  return {
    senders: String(listener.proxy_protocol),
    introduce: (wire, peer) => {
      const arrival = ledger.arrived(self());
      const ip = peer && parseIp(peer.host);
      const counted = ip && repeats?.heed(ip);
      const introduced = counted ? counted.then(() => introduce(wire, peer)) : introduce(wire, peer);
      return introduced instanceof Promise ? arrival.whenIntroduced(introduced) : arrival.introduced(introduced);
    },
  };
}

type Introduce = (...client: Parameters<NonNullable<DoorAdmission['introduce']>>) => Introduced | Promise<Introduced>;

function crowdedOut(): TunnelError {
  return new TunnelError('overload', 'The limits have no room for a peer whose PROXY header is still to be read.');
}

function openDecisions({ listener, services, onResult }: Shared): DoorDecisions {
  const { policy, egresses, resolver, bound } = services;
  const { name } = listener;
  const interception = (onRemark: (sentence: string) => void): InterceptionTools => ({
    resolver,
    own: bound.own,
    onResult,
    onRemark,
  });
  return {
    policy,
    decide: (client, { destination, user }) => decide(policy, { client, listener: name, destination, user }),
    waysOut: (decision) => egresses.waysOf(decision),
    resolve: (identified, client, onRemark) =>
      isIntercepting(listener)
        ? resolveIntercepted(identified, client, listener, interception(onRemark))
        : resolveDestination(resolver, identified.destination, client),
    judgeName: (identified, client, onRemark) =>
      isIntercepting(listener) ? judgeIntercepted(identified, client, listener, interception(onRemark)) : undefined,
    permit: (resolved, destination, client) =>
      permitAnswer(resolved, destination, { rules: policy.destinations, own: bound.own }, client),
  };
}

function isIntercepting(listener: ListenerConfig): listener is SniListener {
  return listener.mode === 'sni' && listener.intercept !== 'none';
}

function openHelloChecks({ listener, services, prereadLimits, onResult }: Shared): DoorChecks {
  const { readHello } = services;
  const { timeouts } = listener;
  const deniesEch = listener.ech === 'deny';
  const verifySni = sniCheckOf(listener);
  const isChecked = listener.verify_sni !== 'off';
  const tools = { readHello, onResult, deniesEch, quietTimeoutMs: Math.min(timeouts.idle, timeouts.lifetime) };
  const ofSecond = isChecked ? tools : { ...tools, onResult: () => undefined };
  return {
    ...(verifySni && {
      verifySni: (tunnel) => verifySni({ ...tunnel, limits: prereadLimits() }, tools),
    }),
    followHello: (tunnel) => followDecided({ ...tunnel, limits: prereadLimits() }, ofSecond),
    ...(listener.mode === 'sni' && isChecked && { countUnnamed: (reason) => countUnnamed(reason, onResult) }),
  };
}

function sniCheckOf(listener: ListenerConfig): typeof enforceSni | undefined {
  if (listener.mode === 'sni') {
    return listener.misdirected === 'serve' ? (tunnel, tools) => requireHello(tunnel, tools, listener) : undefined;
  }
  if (listener.verify_sni === 'off') return undefined;
  return listener.verify_sni === 'enforce' ? enforceSni : reportSni;
}

function countUnnamed(reason: RefusalReason, onResult: (result: SniCheckResult) => void): void {
  if (reason === 'no_sni') onResult('absent');
  if (reason === 'not_tls') onResult('not_tls');
}
