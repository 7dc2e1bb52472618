/** A transport of which it is known how many tunnels are up, and whether each has ended once. */
import type { JoinPlan, SpliceOptions, Transport, TunnelKeeper } from '../../src/index.ts';

export interface WatchedTransport extends Transport {
  /** Tunnels that are up, and whose end was not told. */
  tunnelsAlive(): number;
  /** What was told that cannot be. */
  readonly contradictions: readonly string[];
  readonly isStopped: () => boolean;
}

export function watchTransport(transport: Transport): WatchedTransport {
  let alive = 0;
  let isStopped = false;
  const contradictions: string[] = [];
  const keep = (keeper: TunnelKeeper): TunnelKeeper & { isUp(): void } => {
    let ups = 0;
    let ends = 0;
    return {
      isUp() {
        alive += 1;
        ups += 1;
        if (ups > 1) contradictions.push('a tunnel came up twice');
      },
      tunnelEnded(tunnel, result) {
        alive -= 1;
        ends += 1;
        if (ends > 1) contradictions.push('a tunnel ended twice');
        keeper.tunnelEnded(tunnel, result);
      },
    };
  };
  const watchPlan = (plan: JoinPlan): JoinPlan => {
    const keeper = keep(plan.keeper);
    const onUp: JoinPlan['onUp'] = (...facts) => {
      keeper.isUp();
      plan.onUp(...facts);
    };
    return { ...plan, keeper, onUp };
  };
  return {
    name: transport.name,
    listen: (...args) => transport.listen(...args),
    dial: (address, options) =>
      transport.dial(address, options.join ? { ...options, join: watchPlan(options.join) } : options),
    splice(client, upstream, options: SpliceOptions) {
      const keeper = keep(options.keeper);
      keeper.isUp();
      return transport.splice(client, upstream, { ...options, keeper });
    },
    counts: (tunnel) => transport.counts(tunnel),
    cut: (tunnel) => transport.cut(tunnel),
    stop() {
      isStopped = true;
      return transport.stop();
    },
    tunnelsAlive: () => alive,
    contradictions,
    isStopped: () => isStopped,
  };
}
