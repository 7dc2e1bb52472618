import { TICK_MS, type DeadlineMs } from '../transport.ts';
import { Slots } from '../slots.ts';

/** Something that waits until a deadline. */
export interface Waiting {
  readonly deadline: DeadlineMs;
  /** Called once the deadline has passed. It must have itself forgotten. */
  expire(): void;
}

/** The deadlines of all reads under way. One timer checks them; it runs only while there are any. */
export class ReadDeadlines {
  readonly #waiting = new Slots<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /** Returns the number with which to forget it. It must be forgotten once it is over or was told to expire. */
  add(waiting: Waiting): number {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return this.#waiting.add(waiting);
  }

  forget(slot: number): void {
    this.#waiting.remove(slot);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    if (this.#waiting.count === 0) {
      this.stop();
      return;
    }
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (now >= waiting.deadline) waiting.expire();
    }
  }
}
