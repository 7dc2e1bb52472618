/** Two portable legs joined: what ends a tunnel, and when. */
import type { DeadlineMs, Splice, SpliceCounts, SpliceEnd, SpliceOptions, SpliceResult } from '../transport.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import { Direction, type DirectionEvents } from './direction.ts';
import { PROBE_MS, type PortableLeg } from './leg.ts';

interface Due {
  readonly at: DeadlineMs;
  readonly end: 'idle' | 'half_close' | 'lifetime';
}

/** See {@link Splice}. Owns both legs from its first line on. */
export class PortableSplice<Cut extends string> implements Splice<Cut>, DirectionEvents {
  readonly done: Promise<SpliceResult<Cut>>;
  readonly #client: PortableLeg;
  readonly #upstream: PortableLeg;
  readonly #deadlines: Deadlines;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #idleTimeoutMs: number;
  readonly #halfCloseTimeoutMs: number;
  readonly #lifetimeDeadline: DeadlineMs;
  #resolve: (result: SpliceResult<Cut>) => void = () => undefined;
  #alarm: Alarm | undefined;
  #lastMoveAt = performance.now();
  #firstByteAt: DeadlineMs | undefined;
  #firstFin: { readonly end: 'client_closed' | 'upstream_closed'; readonly at: DeadlineMs } | undefined;
  #end: SpliceEnd<Cut> | undefined;

  constructor(client: PortableLeg, upstream: PortableLeg, deadlines: Deadlines, options: SpliceOptions) {
    this.done = new Promise((resolve) => (this.#resolve = resolve));
    this.#client = client;
    this.#upstream = upstream;
    this.#deadlines = deadlines;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#halfCloseTimeoutMs = options.halfCloseTimeoutMs;
    this.#lifetimeDeadline = options.lifetimeDeadline;
    this.#up = new Direction(client, upstream, this);
    this.#down = new Direction(upstream, client, this);
    this.#up.start(options.clientBytes);
    this.#down.start(options.upstreamBytes);
    this.#setAlarm();
  }

  counts(): SpliceCounts {
    return { bytesUp: this.#up.relayedBytes, bytesDown: this.#down.relayedBytes };
  }

  cut(reason: Cut): void {
    this.#finish(reason);
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
    this.#firstFin ??= { end, at: performance.now() };
    this.#setAlarm();
    this.drained();
  }

  drained(): void {
    if (this.#up.pendingBytes > 0 || this.#down.pendingBytes > 0) return;
    if (this.#end !== undefined) this.#resolve(this.#result(this.#end));
    else if (this.#up.hasEnded && this.#down.hasEnded && this.#firstFin !== undefined) this.#finish(this.#firstFin.end);
  }

  reset(direction: Direction): void {
    this.#finish(direction === this.#up ? 'client_reset' : 'upstream_reset');
  }

  stopped(): void {
    this.#finish('lifetime');
  }

  /** The first cause wins. An RST is answered with an RST, or a stream cut short would look complete; all else ends with FIN. */
  #finish(end: SpliceEnd<Cut>): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#deadlines.cancel(this.#alarm);
    const isReset = end === 'client_reset' || end === 'upstream_reset';
    for (const leg of [this.#client, this.#upstream]) {
      if (isReset) leg.reset();
      else leg.close();
    }
    this.drained();
  }

  #result(end: SpliceEnd<Cut>): SpliceResult<Cut> {
    return { end, ...this.counts(), ...(this.#firstByteAt !== undefined && { firstByteAt: this.#firstByteAt }) };
  }

  #setAlarm(): void {
    if (this.#end !== undefined) return;
    this.#deadlines.cancel(this.#alarm);
    const isHearingAll = !this.#isSilent(this.#up) && !this.#isSilent(this.#down);
    const probeAt = isHearingAll ? Infinity : performance.now() + PROBE_MS;
    this.#alarm = this.#deadlines.at(Math.min(this.#nextDue().at, probeAt), () => this.#ring());
  }

  #isSilent(direction: Direction): boolean {
    return direction.hasEnded || direction.pendingBytes > 0;
  }

  #ring(): void {
    const due = this.#nextDue();
    if (this.#client.hasBeenReset()) this.#finish('client_reset');
    else if (this.#upstream.hasBeenReset()) this.#finish('upstream_reset');
    else if (due.at <= performance.now()) this.#finish(due.end);
    else this.#setAlarm();
  }

  #nextDue(): Due {
    const finAt = this.#firstFin?.at ?? Infinity;
    const all: readonly Due[] = [
      { end: 'lifetime', at: this.#lifetimeDeadline },
      { end: 'half_close', at: Math.max(finAt, this.#lastMoveAt) + this.#halfCloseTimeoutMs },
      { end: 'idle', at: this.#lastMoveAt + this.#idleTimeoutMs },
    ];
    return all.reduce((first, due) => (due.at < first.at ? due : first));
  }
}
