import type { Address, DeadlineMs, Dial, DialOptions, DialResult } from '../transport.ts';
import type { DataPlane } from './data-plane.ts';
import { NativeLeg } from './leg.ts';
import { COMMAND, DIAL_OUTCOMES, NEVER, threadOf, type LegName } from './wire.ts';

interface PendingDial {
  readonly address: Address;
  readonly resolve: (result: DialResult) => void;
  isCancelled: boolean;
}

const NO_TEXT = Buffer.alloc(0);

/** The attempts under way, by token. Each gets exactly one answer from its data thread. */
export class Dials {
  readonly #plane: DataPlane;
  readonly #pending = new Map<number, PendingDial>();
  #nextToken = 0;

  constructor(plane: DataPlane) {
    this.#plane = plane;
  }

  start(address: Address, options: DialOptions): Dial {
    const token = (this.#nextToken = (this.#nextToken + 1) >>> 0);
    const thread = this.#chooseThread(token, options);
    const done = new Promise<DialResult>((resolve) => {
      this.#pending.set(token, { address, resolve, isCancelled: false });
    });
    this.#plane.opened();
    const host = Buffer.from(address.host, 'latin1');
    const source = options.sourceHost === undefined ? NO_TEXT : Buffer.from(options.sourceHost, 'latin1');
    const isForeign = options.isSourceForeign ? 1 : 0;
    const args = [token, spanUntil(options.deadline), address.port, host.length, source.length, isForeign];
    this.#plane.send(thread, COMMAND.dial, args, [host, source]);
    return { done, cancel: () => this.#cancel(token, thread) };
  }

  /** The data thread's answer. */
  answered(token: number, outcome: number, name: LegName, local: Address): void {
    const dial = this.#pending.get(token);
    if (dial === undefined) return;
    const kind = DIAL_OUTCOMES[outcome] ?? 'exhausted';
    if (kind !== 'connected') {
      this.#settle(token, dial, { kind: dial.isCancelled ? 'cancelled' : kind });
      return;
    }
    const leg = this.#plane.addLeg(name, dial.address, local);
    // It was connected at the very moment at which it was given up.
    if (dial.isCancelled) leg.reset();
    this.#settle(token, dial, dial.isCancelled ? { kind: 'cancelled' } : { kind, leg });
  }

  stop(): void {
    for (const [token, dial] of this.#pending) this.#settle(token, dial, { kind: 'cancelled' });
  }

  /** Where the leg is that this one will be spliced with; without such a hint, each thread in its turn. */
  #chooseThread(token: number, { near }: DialOptions): number {
    return near instanceof NativeLeg ? threadOf(near) : token % this.#plane.threads;
  }

  #cancel(token: number, thread: number): void {
    const dial = this.#pending.get(token);
    if (dial === undefined || dial.isCancelled) return;
    dial.isCancelled = true;
    this.#plane.send(thread, COMMAND.cancelDial, [token]);
  }

  #settle(token: number, dial: PendingDial, result: DialResult): void {
    this.#pending.delete(token);
    this.#plane.closed();
    dial.resolve(result);
  }
}

/** A deadline as the data threads read it: whole milliseconds from now. */
export function spanUntil(deadline: DeadlineMs): number {
  return toSpan(deadline - performance.now());
}

/** A time-out as the data threads read it. */
export function toSpan(ms: number): number {
  return ms < NEVER ? Math.max(0, Math.ceil(ms)) : NEVER;
}
