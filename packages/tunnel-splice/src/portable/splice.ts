/** Two portable legs joined: why and when the tunnel ends. */
import {
  LINGER_MS,
  type DeadlineMs,
  type SpliceOptions,
  type TunnelCounts,
  type TunnelEnd,
  type TunnelResult,
} from '../transport.ts';
import { wholeSeconds } from '../keep-alive.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import { Direction, type DirectionEvents } from './direction.ts';
import { PROBE_MS, type PortableLeg } from './leg.ts';

interface Due {
  readonly at: DeadlineMs;
  readonly end: 'idle' | 'half_close' | 'lifetime';
}

interface SplicedLegs {
  readonly client: PortableLeg;
  readonly upstream: PortableLeg;
}

interface SpliceTools {
  readonly deadlines: Deadlines;
  /** When the tunnel was up: its time is counted from there. */
  readonly upAt: DeadlineMs;
  /** Bytes that were sent up before the splice. They count as relayed. */
  readonly sentBytes: number;
  /** Called once. */
  readonly onEnd: (result: TunnelResult) => void;
}

/** See `splice` of the transport. Owns both legs from its first line on. */
export class PortableSplice implements DirectionEvents {
  readonly #client: PortableLeg;
  readonly #upstream: PortableLeg;
  readonly #deadlines: Deadlines;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #idleTimeoutMs: number;
  readonly #halfCloseTimeoutMs: number;
  readonly #lifetimeDeadline: DeadlineMs;
  readonly #onEnd: (result: TunnelResult) => void;
  readonly #keepAliveSeconds: number;
  /** When its peers are watched by the kernel. Most tunnels are over by then, and each option is a system call. */
  #watchAt: DeadlineMs;
  #alarm: Alarm | undefined;
  #lastMoveAt: DeadlineMs;
  #firstByteAt: DeadlineMs | undefined;
  #firstFin: { readonly end: 'client_closed' | 'upstream_closed'; readonly at: DeadlineMs } | undefined;
  /** Reads from a leg that is lost: bytes it sent before are still on their way. */
  #losing: Direction | undefined;
  #end: TunnelEnd | undefined;
  #isOver = false;

  constructor(
    { client, upstream }: SplicedLegs,
    options: SpliceOptions,
    { deadlines, upAt, sentBytes, onEnd }: SpliceTools,
  ) {
    this.#client = client;
    this.#upstream = upstream;
    this.#deadlines = deadlines;
    this.#onEnd = onEnd;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#halfCloseTimeoutMs = options.halfCloseTimeoutMs;
    this.#lifetimeDeadline = upAt + options.lifetimeMs;
    this.#lastMoveAt = upAt - (options.quietMs ?? 0);
    this.#up = new Direction(client, upstream, this);
    this.#down = new Direction(upstream, client, this);
    this.#keepAliveSeconds = wholeSeconds(options.keepAliveMs);
    this.#watchAt = this.#keepAliveSeconds === 0 ? Infinity : this.#lastMoveAt + this.#keepAliveSeconds * 250;
    this.#up.relayedBytes = sentBytes;
    this.#up.start(options.clientBytes);
    this.#down.start(options.upstreamBytes);
    this.#setAlarm();
  }

  counts(): TunnelCounts {
    this.#look();
    return { bytesUp: this.#up.relayedBytes, bytesDown: this.#down.relayedBytes };
  }

  cut(): void {
    if (this.#losing === undefined) this.#finish('cut');
    else this.#finishByReset(this.#losing);
  }

  moved(direction: Direction): void {
    this.#lastMoveAt = performance.now();
    if (direction === this.#down) this.#firstByteAt ??= this.#lastMoveAt;
  }

  fellSilent(): void {
    if (this.#alarm !== undefined && this.#alarm.dueAt > performance.now() + PROBE_MS) this.#setAlarm();
  }

  ended(direction: Direction): void {
    const end = direction === this.#up ? 'client_closed' : 'upstream_closed';
    // The FIN of the other leg comes behind the loss; that of a lost leg was sent before it.
    const isFirst = this.#losing === undefined || direction === this.#losing;
    if (isFirst) this.#firstFin ??= { end, at: performance.now() };
    if (direction === this.#losing) {
      this.#finishByReset(direction);
      return;
    }
    this.#setAlarm();
    this.drained();
  }

  drained(): void {
    if (this.#up.pendingBytes > 0 || this.#down.pendingBytes > 0) return;
    if (this.#end !== undefined) this.#tellEnd(this.#end);
    else if (this.#up.hasEnded && this.#down.hasEnded && this.#firstFin !== undefined) this.#finish(this.#firstFin.end);
  }

  reset(direction: Direction): void {
    this.#finishByReset(direction);
  }

  lost(direction: Direction): void {
    if (this.#end !== undefined || this.#losing === direction) return;
    const isBothWays = this.#losing !== undefined;
    this.#losing ??= direction;
    (direction === this.#up ? this.#down : this.#up).abandon();
    this.#lastMoveAt = performance.now();
    if (direction.hasEnded || isBothWays) this.#finishByReset(this.#losing);
    else this.#setAlarm();
  }

  stopped(): void {
    if (this.#losing) this.#finishByReset(this.#losing);
    else this.#finish('lifetime');
  }

  /** The leg that `direction` reads from is lost. A FIN of either leg may have come before. */
  #finishByReset(direction: Direction): void {
    const end = direction === this.#up ? 'client_reset' : 'upstream_reset';
    this.#finish(this.#firstFin?.end ?? end, (leg) => leg.resetBehindBytes());
  }

  /**
   * The first cause wins. An RST is passed on as an RST, or a stream cut short would look complete. Every other end is passed on as FIN.
   * Either comes behind the bytes already on their way.
   */
  #finish(end: TunnelEnd, endLeg: (leg: PortableLeg) => void = closeLeg): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#deadlines.cancel(this.#alarm);
    endLeg(this.#client);
    endLeg(this.#upstream);
    this.drained();
  }

  /** Never within a call that the keeper made: it may not know the tunnel's number yet. */
  #tellEnd(end: TunnelEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const endedAt = performance.now();
    const firstByteAt = this.#firstByteAt;
    const { tls } = this.#client;
    const why = end === 'client_reset' && tls?.kind === 'failed' ? tls.why : undefined;
    queueMicrotask(() => this.#onEnd({ end, ...this.counts(), endedAt, firstByteAt, why }));
  }

  #setAlarm(): void {
    if (this.#end !== undefined) return;
    this.#deadlines.cancel(this.#alarm);
    const isHearingAll = !this.#isSilent(this.#up) && !this.#isSilent(this.#down);
    const probeAt = isHearingAll ? Infinity : performance.now() + PROBE_MS;
    this.#alarm = this.#deadlines.at(Math.min(this.#nextDue().at, probeAt, this.#watchAt), () => this.#ring());
  }

  #isSilent(direction: Direction): boolean {
    return direction.hasEnded || direction.pendingBytes > 0;
  }

  /** Bytes that wait may be on their way without an event. */
  #look(): void {
    this.#up.look();
    this.#down.look();
  }

  #ring(): void {
    this.#look();
    if (performance.now() >= this.#watchAt) this.#watchPeers();
    this.#client.heedWindow(this.#down.pendingBytes > 0);
    this.#upstream.heedWindow(this.#up.pendingBytes > 0);
    if (this.#losing !== undefined) {
      this.#ringWhileLosing(this.#losing);
      return;
    }
    if (this.#client.hasBeenReset()) this.lost(this.#up);
    else if (this.#upstream.hasBeenReset()) this.lost(this.#down);
    else if (this.#nextDue().at <= performance.now()) this.#finish(this.#nextDue().end);
    else this.#setAlarm();
  }

  #watchPeers(): void {
    this.#watchAt = Infinity;
    for (const leg of [this.#client, this.#upstream]) leg.watchPeer(this.#keepAliveSeconds);
  }

  /** The other leg no longer takes what the lost leg had sent. */
  #ringWhileLosing(direction: Direction): void {
    if (this.#nextDue().at > performance.now()) this.#setAlarm();
    else this.#finishByReset(direction);
  }

  #nextDue(): Due {
    const finAt = this.#firstFin?.at ?? Infinity;
    const lossTimeoutMs = this.#losing === undefined ? Infinity : LINGER_MS;
    const all: readonly Due[] = [
      { end: 'lifetime', at: this.#lifetimeDeadline },
      { end: 'half_close', at: Math.max(finAt, this.#lastMoveAt) + this.#halfCloseTimeoutMs },
      { end: 'idle', at: this.#lastMoveAt + Math.min(this.#idleTimeoutMs, lossTimeoutMs) },
    ];
    return all.reduce((first, due) => (due.at < first.at ? due : first));
  }
}

function closeLeg(leg: PortableLeg): void {
  leg.close();
}
