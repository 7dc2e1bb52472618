/** Work for who asks, in turn and with rests: nobody makes the thread that decides busy by asking often. */

/** The longest that anybody waits for a rest to end, in milliseconds. */
const LONGEST_REST_MS = 1_000;

/** How many times as long as a piece of work took its successor waits: all of it takes one part in twenty of the thread. */
const REST_FACTOR = 19;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #restsUntil = 0;

  /** Does the work once all before it is done and rested from. What it throws is its asker's. */
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
