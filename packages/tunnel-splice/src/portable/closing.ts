/** How our side ends a leg: with a FIN behind its last bytes, or with an RST, at once or behind them. */
import type { Socket } from 'node:net';
import { LINGER_MS, TICK_MS, type DeadlineMs } from '../transport.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import type { KernelTools } from './kernel-tools.ts';
import type { LiveLegs } from './live-legs.ts';
import { descriptorOf } from './node-handle.ts';
import type { Secured } from './secured-wire.ts';

/** The leg that is to be ended. */
export interface ClosingOptions {
  readonly deadlines: Deadlines;
  readonly legs: LiveLegs;
  /** Undefined where there is no addon. */
  readonly kernel: KernelTools | undefined;
  /** The leg's present socket: TLS takes the place of TCP, even while it closes. */
  readonly socketOf: () => Socket;
  readonly secured: Secured | undefined;
  /** Called while the socket still tells what is queued. */
  readonly beforeDestroyed: () => void;
}

/** The end of one leg. Each of the calls is made once at most, but for `over`. */
export class Closing {
  readonly #options: ClosingOptions;
  #alarm: Alarm | undefined;
  #isLingering = false;
  #isResetAwaited = false;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /**
   * Sends FIN behind what is queued. An RST would follow for bytes that are unread when the descriptor is closed, and destroy what the peer
   * has not read: so the peer gets {@link LINGER_MS} to close as well. True: it lingers, and the leg must read on.
   */
  end(hasPeerEnded: boolean): boolean {
    const socket = this.#socket;
    // A second time it would change nothing, and cost an error with its stack trace.
    if (!socket.writableEnded) socket.end();
    if ((hasPeerEnded && socket.writableLength === 0) || socket.destroyed) return false;
    if (!this.#mayLinger()) {
      this.#destroy();
      return false;
    }
    this.#alarm = this.#options.deadlines.at(performance.now() + LINGER_MS, () => this.#destroy());
    return true;
  }

  reset(): void {
    const socket = this.#socket;
    const isShuttingDown = socket.writableEnded && !socket.writableFinished;
    // libuv refuses a reset while a shutdown is under way (EINVAL), and Node.js then leaks the descriptor: wait for the shutdown.
    if (isShuttingDown && socket.writableLength === 0) socket.once('finish', () => this.#sendReset());
    else if (!socket.destroyed) this.#sendReset();
  }

  /** Sends an RST once the peer has all bytes sent before. The wait lasts while the peer takes some of them every {@link LINGER_MS}. */
  resetBehindBytes(): void {
    this.#isResetAwaited = true;
    if (this.#mayLinger()) this.#resetOnceDelivered(Infinity, performance.now() + LINGER_MS);
    else this.reset();
  }

  /** Ends at once: by the RST that was to come behind other bytes, or else by FIN. */
  stop(): void {
    if (this.#isResetAwaited) this.reset();
    else this.#destroy();
  }

  /** The socket is closed. */
  over(): void {
    if (this.#isLingering) this.#options.legs.lingeringOver();
    this.#options.deadlines.cancel(this.#alarm);
  }

  get #socket(): Socket {
    return this.#options.socketOf();
  }

  #mayLinger(): boolean {
    this.#isLingering = this.#options.legs.mayLinger();
    return this.#isLingering;
  }

  #resetOnceDelivered(leftBytes: number, giveUpAt: DeadlineMs): void {
    const now = performance.now();
    const left = this.#undeliveredBytes(leftBytes);
    const isOver = left === 0 || this.#socket.destroyed;
    const nextGiveUpAt = left < leftBytes ? now + LINGER_MS : giveUpAt;
    if (isOver || now >= nextGiveUpAt) this.reset();
    else this.#alarm = this.#options.deadlines.at(now + TICK_MS, () => this.#resetOnceDelivered(left, nextGiveUpAt));
  }

  /** Without the addon the kernel's unsent bytes are unknown: they get the time until the next check. */
  #undeliveredBytes(lastTime: number): number {
    const queued = this.#socket.writableLength;
    const { kernel, secured } = this.#options;
    if (kernel !== undefined) return queued + kernel.countUnacked(descriptorOf(secured?.wire ?? this.#socket));
    return queued === 0 && lastTime === Infinity ? 1 : queued;
  }

  #destroy(): void {
    this.#options.beforeDestroyed();
    this.#socket.destroy();
  }

  #sendReset(): void {
    this.#options.beforeDestroyed();
    const { secured } = this.#options;
    if (secured) secured.reset();
    else this.#socket.resetAndDestroy();
  }
}
