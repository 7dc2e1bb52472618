/** A tunnel that was set up step by step: what is looked at before it is repeated, and what its repetitions have in common with it. */
import type { TunnelRecord } from '../account/tunnel-record.ts';
import type { Door } from '../door.ts';
import type { DecidedTunnel, DirectWay, Joiner } from '../egress/joining.ts';
import type { Frontend, Greeting, Identified } from '../frontend.ts';

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
