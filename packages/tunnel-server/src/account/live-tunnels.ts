/** The tunnels of one transport, from the moment they are up to their one log line. */
import type { ListenerMetrics } from '@sallyport/telemetry';
import type { Transport, TunnelCounts, TunnelKeeper, TunnelNumber, TunnelResult } from '@sallyport/tunnel-splice';
import { RestingTunnels } from './resting-tunnels.ts';
import type { CutReason, Ending, TunnelFacts } from './tunnel-facts.ts';

/** Where accounts are closed. */
export interface AccountKeeper {
  /** How often a live tunnel logs its bytes so far, in milliseconds; Infinity: never. */
  readonly progressMs: number;
  close(facts: TunnelFacts, ending: Ending): void;
  logProgress(facts: TunnelFacts, bytesUp: number, bytesDown: number): void;
}

/** Bytes of one listener's tunnels: those of tunnels that have ended, and what was told of them all. */
interface ByteTally {
  endedUp: number;
  endedDown: number;
  toldUp: number;
  toldDown: number;
}

export class LiveTunnels implements TunnelKeeper {
  readonly #transport: Pick<Transport, 'counts' | 'cut'>;
  readonly #keeper: AccountKeeper;
  readonly #resting = new RestingTunnels();
  readonly #bytes = new Map<ListenerMetrics, ByteTally>();
  /** Why we cut a tunnel, until its end is told. */
  readonly #cuts = new Map<TunnelNumber, CutReason>();
  /** Of those few that had relayed something before their transport had them. */
  readonly #carried = new Map<TunnelNumber, TunnelCounts>();
  /** Only while `log.progress` is on. */
  readonly #progress = new Map<TunnelNumber, NodeJS.Timeout>();

  constructor(transport: Pick<Transport, 'counts' | 'cut'>, keeper: AccountKeeper) {
    this.#transport = transport;
    this.#keeper = keeper;
  }

  get count(): number {
    return this.#resting.count;
  }

  isUp(tunnel: TunnelNumber, facts: TunnelFacts): void {
    this.#resting.put(tunnel, facts);
    if (facts.carried) this.#carried.set(tunnel, facts.carried);
    facts.door.metrics.tunnelUp();
    const { progressMs } = this.#keeper;
    if (progressMs === Infinity) return;
    this.#progress.set(tunnel, setInterval(() => this.#logProgress(tunnel), progressMs).unref());
  }

  tunnelEnded(tunnel: TunnelNumber, { end, bytesUp, bytesDown, firstByteAt, endedAt, why }: TunnelResult): void {
    const facts = this.#resting.take(tunnel);
    if (facts === undefined) return;
    clearInterval(this.#progress.get(tunnel));
    this.#progress.delete(tunnel);
    const reason = end === 'cut' ? (this.#cuts.get(tunnel) ?? 'lifetime') : end;
    this.#cuts.delete(tunnel);
    const { metrics } = facts.door;
    const tally = this.#tallyOf(metrics);
    tally.endedUp += bytesUp;
    tally.endedDown += bytesDown;
    metrics.tunnelDown();
    const firstByteMs = firstByteAt === undefined || facts.upAt === undefined ? undefined : firstByteAt - facts.upAt;
    const counts = this.#withCarried(tunnel, { bytesUp, bytesDown });
    this.#carried.delete(tunnel);
    const detail = why === undefined ? undefined : `TLS with the client broke off: ${why}.`;
    this.#keeper.close(facts, { outcome: 'ok', reason, level: 'info', endedAt, ...counts, firstByteMs, detail });
  }

  cutAll(reason: CutReason): void {
    for (const tunnel of this.#resting.numbers()) {
      this.#cuts.set(tunnel, reason);
      this.#transport.cut(tunnel);
    }
  }

  /** Adds what has flowed since the last time to `bytes_total`, so that it is true while tunnels are open. */
  countBytes(): void {
    const totals = new Map(
      [...this.#bytes].map(([metrics, { endedUp, endedDown }]) => [metrics, { up: endedUp, down: endedDown }]),
    );
    for (const tunnel of this.#resting.numbers()) {
      const metrics = this.#resting.doorOf(tunnel)?.metrics;
      if (metrics === undefined) continue;
      const total = totals.get(metrics) ?? { up: 0, down: 0 };
      const { bytesUp, bytesDown } = this.#transport.counts(tunnel);
      totals.set(metrics, { up: total.up + bytesUp, down: total.down + bytesDown });
    }
    for (const [metrics, { up, down }] of totals) {
      const tally = this.#tallyOf(metrics);
      metrics.bytes(up - tally.toldUp, down - tally.toldDown);
      tally.toldUp = up;
      tally.toldDown = down;
    }
  }

  #tallyOf(metrics: ListenerMetrics): ByteTally {
    const known = this.#bytes.get(metrics);
    if (known) return known;
    const tally = { endedUp: 0, endedDown: 0, toldUp: 0, toldDown: 0 };
    this.#bytes.set(metrics, tally);
    return tally;
  }

  #logProgress(tunnel: TunnelNumber): void {
    const facts = this.#resting.read(tunnel);
    if (facts === undefined) return;
    const { bytesUp, bytesDown } = this.#withCarried(tunnel, this.#transport.counts(tunnel));
    this.#keeper.logProgress(facts, bytesUp, bytesDown);
  }

  #withCarried(tunnel: TunnelNumber, counts: TunnelCounts): TunnelCounts {
    const carried = this.#carried.get(tunnel);
    if (carried === undefined) return counts;
    return { bytesUp: counts.bytesUp + carried.bytesUp, bytesDown: counts.bytesDown + carried.bytesDown };
  }
}
