/** The tunnels of one transport, from the moment they are up until they are logged. */
import type { ListenerMetrics } from '@sallyport/telemetry';
import type {
  DeadlineMs,
  Transport,
  TunnelCounts,
  TunnelKeeper,
  TunnelNumber,
  TunnelResult,
} from '@sallyport/tunnel-splice';
import { RestingTunnels } from './resting-tunnels.ts';
import { type CutReason, DENIED_BY_RELOAD, type Ending, type TunnelFacts, untilFirstByte } from './tunnel-facts.ts';

/** Where accounts are closed. */
export interface AccountKeeper {
  /** How often a live tunnel logs its bytes so far, in milliseconds; Infinity: never. */
  readonly progressMs: number;
  close(facts: TunnelFacts, ending: Ending): void;
  /** Only while `log.progress` is on. */
  logOpen(facts: TunnelFacts): void;
  logProgress(facts: TunnelFacts, bytesUp: number, bytesDown: number): void;
}

/** A tunnel that is up. Its bytes are exact at the moment. */
export interface LiveTunnel extends TunnelCounts {
  readonly number: number;
  readonly openedAt: DeadlineMs;
  /** Undefined where it has ended meanwhile. */
  facts(): TunnelFacts | undefined;
  /** Whether its client, destination, upstream, user, rule or listener contains this text. */
  mentions(text: string): boolean;
  cut(reason: CutReason): void;
}

/** Bytes of one listener's tunnels: of those that have ended, and how much was counted of all. */
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
  /** Why we cut a tunnel, until its end is reported. */
  readonly #cuts = new Map<TunnelNumber, CutReason>();
  /** Counts of the few tunnels that had relayed something before their transport had them. */
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
    if (!facts.isLogged) this.#keeper.logOpen(facts);
    this.#progress.set(tunnel, setInterval(() => this.#logProgress(tunnel), progressMs).unref());
  }

  tunnelEnded(tunnel: TunnelNumber, { end, bytesUp, bytesDown, firstByteAt, endedAt, why }: TunnelResult): void {
    const facts = this.#resting.take(tunnel);
    if (facts === undefined) return;
    const reason = end === 'cut' ? (this.#cuts.get(tunnel) ?? 'lifetime') : end;
    const { metrics } = facts.door;
    const tally = this.#tallyOf(metrics);
    tally.endedUp += bytesUp;
    tally.endedDown += bytesDown;
    metrics.tunnelDown();
    const firstByteMs = untilFirstByte(firstByteAt, facts.upAt);
    const whole = this.#withCarried(tunnel, { bytesUp, bytesDown });
    this.#forget(tunnel);
    const broken = why === undefined ? undefined : `TLS with the client broke off: ${why}.`;
    const detail = reason === 'policy' ? DENIED_BY_RELOAD : broken;
    this.#keeper.close(facts, {
      outcome: 'ok',
      reason,
      level: 'info',
      endedAt,
      bytesUp: whole.bytesUp,
      bytesDown: whole.bytesDown,
      firstByteMs,
      detail,
    });
  }

  /** Few tunnels have an entry in these maps. */
  #forget(tunnel: TunnelNumber): void {
    if (this.#cuts.size > 0) this.#cuts.delete(tunnel);
    if (this.#carried.size > 0) this.#carried.delete(tunnel);
    if (this.#progress.size === 0) return;
    clearInterval(this.#progress.get(tunnel));
    this.#progress.delete(tunnel);
  }

  /** Those of the listeners that `isMeant` names. */
  cutAll(reason: CutReason, isMeant: (listener: string) => boolean): void {
    const resting = this.#resting;
    for (const tunnel of resting.numbers()) if (isMeant(resting.doorOf(tunnel)?.name ?? '')) this.cut(tunnel, reason);
  }

  /** The first reason counts. */
  cut(tunnel: TunnelNumber, reason: CutReason): void {
    if (this.#cuts.has(tunnel)) return;
    this.#cuts.set(tunnel, reason);
    this.#transport.cut(tunnel);
  }

  /** Without those that were told to end. */
  *live(): Iterable<LiveTunnel> {
    const resting = this.#resting;
    for (const tunnel of resting.numbers()) if (!this.#cuts.has(tunnel)) yield new ListedTunnel(this, resting, tunnel);
  }

  /** What it has relayed so far. */
  countsOf(tunnel: TunnelNumber): TunnelCounts {
    return this.#withCarried(tunnel, this.#transport.counts(tunnel));
  }

  /** Adds the bytes since the last call to `bytes_total`, so that it is exact while tunnels are open. */
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
    const { bytesUp, bytesDown } = this.countsOf(tunnel);
    this.#keeper.logProgress(facts, bytesUp, bytesDown);
  }

  #withCarried(tunnel: TunnelNumber, counts: TunnelCounts): TunnelCounts {
    const carried = this.#carried.size === 0 ? undefined : this.#carried.get(tunnel);
    if (carried === undefined) return counts;
    return { bytesUp: counts.bytesUp + carried.bytesUp, bytesDown: counts.bytesDown + carried.bytesDown };
  }
}

/** One of them. Valid until the next wait, for numbers are used again. */
class ListedTunnel implements LiveTunnel {
  readonly number: number;
  readonly openedAt: DeadlineMs;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly #tunnels: LiveTunnels;
  readonly #resting: RestingTunnels;
  readonly #tunnel: TunnelNumber;

  constructor(tunnels: LiveTunnels, resting: RestingTunnels, tunnel: TunnelNumber) {
    const { bytesUp, bytesDown } = tunnels.countsOf(tunnel);
    const facts = resting.read(tunnel);
    this.number = facts?.number ?? NaN;
    this.openedAt = facts?.openedAt ?? NaN;
    this.bytesUp = bytesUp;
    this.bytesDown = bytesDown;
    this.#tunnels = tunnels;
    this.#resting = resting;
    this.#tunnel = tunnel;
  }

  facts(): TunnelFacts | undefined {
    return this.#resting.read(this.#tunnel);
  }

  mentions(text: string): boolean {
    return this.#resting.read(this.#tunnel)?.mentions(text) ?? false;
  }

  cut(reason: CutReason): void {
    this.#tunnels.cut(this.#tunnel, reason);
  }
}
