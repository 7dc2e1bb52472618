/** A tunnel that its dial sets up: what the dial needs of it, and who is told what came of it. */
import type { Address, DeadlineMs, JoinPlan, TunnelNumber } from '@sallyport/tunnel-splice';
import type { LiveTunnels } from '../account/live-tunnels.ts';
import type { DialListener, Dialled } from './direct.ts';
import type { DirectEgress } from './egress.ts';
import type { DialList } from './race.ts';

/** A way that leads through no parent: the addresses that may be dialled, and from where. */
export interface DirectWay {
  readonly egress: DirectEgress;
  readonly addresses: DialList;
}

/** A tunnel as its door has decided it. */
export interface DecidedTunnel extends Required<Pick<JoinPlan, 'client' | 'reply' | 'clientBytes'>> {
  /** `clientBytes` are the hello by which it was decided. The server may answer it with a HelloRetryRequest. */
  readonly isHello: boolean;
}

/**
 * Is told what came of a client's dial: `isUp`, then `joined`; or `connected` where a second hello may come, and all that follows the
 * first is still to be read, from either leg; or that it failed.
 */
export interface Joiner extends DialListener<Dialled> {
  isUp(tunnels: LiveTunnels, tunnel: TunnelNumber, up: UpAt): void;
  /** The client was closed when `bytesUp` of its bytes were sent up, before the tunnel was up. */
  sentInVain(bytesUp: number): void;
}

/** Which upstream was the first to connect, and when. */
export interface UpAt {
  readonly upstream: Address;
  readonly at: DeadlineMs;
}

/** A tunnel that may be joined as soon as a parent has answered. */
export interface Joining {
  readonly tunnel: DecidedTunnel;
  readonly joiner: Pick<Joiner, 'isUp' | 'sentInVain'>;
}
