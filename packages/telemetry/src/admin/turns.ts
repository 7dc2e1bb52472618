/** Does the work of requests one at a time, with pauses, so that frequent requests cannot keep the deciding thread busy. */

/** The longest pause, in milliseconds. */
const LONGEST_REST_MS = 1_000;

/** The pause after a piece of work is so many times its duration: the work takes at most a twentieth of the thread. */
const REST_FACTOR = 19;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #restsUntil = 0;

  /** Does the work after all earlier work and its pause. An error goes to the caller. */
  take<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const turn = this.#last.then(() => rest(this.#restsUntil - performance.now())).then(() => this.#measure(work));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #measure<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const begunAt = performance.now();
    try {
      return await work();
    } finally {
      const now = performance.now();
      this.#restsUntil = now + Math.min(LONGEST_REST_MS, REST_FACTOR * (now - begunAt));
    }
  }
}

function rest(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
