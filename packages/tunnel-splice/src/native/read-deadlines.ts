import { TICK_MS, type DeadlineMs } from '../transport.ts';

/** Something that waits, and gives up when its time has come. */
export interface Waiting {
  readonly deadline: DeadlineMs;
  /** Called once the deadline has passed; the waiting is over by then. */
  expire(): void;
}

/** The deadlines of every read under way, looked at by one timer that runs only while somebody waits. */
export class ReadDeadlines {
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #tick(): void {
    if (this.#waiting.size === 0) {
      this.stop();
      return;
    }
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (now < waiting.deadline) continue;
      this.#waiting.delete(waiting);
      waiting.expire();
    }
  }
}
