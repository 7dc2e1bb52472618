/** How often each key comes up by the usual way. */

/** How often a client has to ask for the same within {@link WINDOW_MS}, by the usual way, before that is repeated. */
export const OFTEN = 8;
const WINDOW_MS = 1_000;
/** How many keys are counted in that time. Others are not. */
const MOST_COUNTED = 1_024;

export class OftenAsked {
  readonly #times = new Map<string, number>();
  /** When the window of these counts began, on the clock of `performance.now()`. */
  #since = 0;

  /** A key has come up at `now`. Returns whether it has done so {@link OFTEN} times in this window. */
  isOften(key: string, now: number): boolean {
    if (now - this.#since > WINDOW_MS) {
      this.#times.clear();
      this.#since = now;
    }
    const times = (this.#times.get(key) ?? 0) + 1;
    if (times > 1 || this.#times.size < MOST_COUNTED) this.#times.set(key, times);
    return times >= OFTEN;
  }

  clear(): void {
    this.#times.clear();
  }

  /** How many keys are counted. */
  get size(): number {
    return this.#times.size;
  }
}
