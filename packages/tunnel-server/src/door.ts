/** One listener as a tunnel sees it: the questions of `serveTunnel`, in its order, and the room that answers each. */
import type { ListenerConfig } from '@sallyport/config';
import type { ListenerMetrics, Metrics } from '@sallyport/telemetry';
import type { Address, Leg, Splice, Transport } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { CutReason } from './account/tunnel-record.ts';
import type { Ip } from './addresses/ip.ts';
import type { OwnAddresses } from './addresses/own-addresses.ts';
import { permitAddresses } from './addresses/permit-addresses.ts';
import type { Destination } from './destination.ts';
import { resolveDestination } from './dns/resolve-destination.ts';
import type { Resolver } from './dns/resolver.ts';
import { dialDirect } from './egress/direct.ts';
import type { Frontend, PrereadLimits } from './frontend.ts';
import { admitClient } from './limits/admit-client.ts';
import type { Limits } from './limits/limits.ts';
import { decide, type Decision, type Policy } from './policy/decide.ts';

/** A door is made anew at each reload; a tunnel keeps the one it came in by. */
export interface Door {
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly metrics: ListenerMetrics;
  openFrontend(client: Leg): Frontend;
  /** Takes a place in the limits; returns how to give it back. Throws `client_limit` or `overload`. */
  admit(client: Ip): () => void;
  prereadLimits(): PrereadLimits;
  decide(client: Ip, destination: Destination): Decision;
  /** Throws `dns`, `dns_timeout` or `client_closed`. A literal resolves to itself. */
  resolve(destination: Destination, client: Leg): readonly Ip[] | Promise<readonly Ip[]>;
  /** The addresses that may be dialled, in dialling order. Throws `address` or `loop`. */
  permit(resolved: readonly Ip[], destination: Destination): readonly Address[];
  /** Throws `refused`, `unreachable`, `connect_timeout`, `overload` or `client_closed`. */
  dial(addresses: readonly Address[], client: Leg): Promise<Leg>;
  splice(client: Leg, upstream: Leg, clientBytes: Uint8Array): Splice<CutReason>;
}

/** What all doors share. `limits`, `resolver`, `transport` and `metrics` outlive a reload; the rest is of one configuration. */
export interface DoorServices {
  readonly transport: Transport;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly resolver: Resolver;
  readonly policy: Policy;
  /** Our own listening addresses, as far as they are open by now. */
  readonly bound: { readonly own: OwnAddresses };
  readonly ledger: Pick<Ledger, 'isDraining'>;
}

export function openDoor(listener: ListenerConfig, services: DoorServices, openFrontend: Door['openFrontend']): Door {
  const { name, mode, timeouts } = listener;
  const { transport, metrics, limits, resolver, policy, bound, ledger } = services;
  const onAttempt = metrics.dialAttempt.bind(metrics);
  return {
    name,
    mode,
    metrics: metrics.forListener(name),
    openFrontend,
    admit: (client) => admitClient(limits, listener, client, ledger.isDraining),
    prereadLimits: () => ({
      prereadLimitBytes: listener.limits.handshake_bytes,
      deadline: performance.now() + timeouts.handshake,
    }),
    decide: (client, destination) => decide(policy, { client, listener: name, destination }),
    resolve: (destination, client) => resolveDestination(resolver, destination, client),
    permit: (resolved, destination) =>
      permitAddresses(resolved, destination, { rules: policy.destinations, own: bound.own }),
    dial: (addresses, client) =>
      dialDirect(addresses, client, {
        dial: (address, options) => transport.dial(address, options),
        deadline: performance.now() + timeouts.connect,
        onAttempt,
      }),
    splice: (client, upstream, clientBytes) =>
      transport.splice(client, upstream, {
        clientBytes,
        idleTimeoutMs: timeouts.idle,
        halfCloseTimeoutMs: timeouts.half_close,
        lifetimeDeadline: performance.now() + timeouts.lifetime,
      }),
  };
}
