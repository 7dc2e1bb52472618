/** The answer by which a parent opens tunnels. */

/** A longer answer is read each time. */
const LONGEST_BYTES = 512;

/**
 * Most parents answer every CONNECT with the same bytes. After two equal answers in a row, the same answer is expected: it was checked when
 * it was read, and the same bytes would pass again.
 */
export class ParentHabit {
  #last: Uint8Array | undefined;
  #answer: Uint8Array | undefined;

  /** The expected answer. Undefined where there is none, and each answer is read. */
  get answer(): Uint8Array | undefined {
    return this.#answer;
  }

  /** The parent has opened a tunnel by this answer. Empty: the protocol has several answers, which depend on each other. */
  opened(said: Uint8Array): void {
    const isTold = said.length > 0 && said.length <= LONGEST_BYTES;
    const isAsBefore = isTold && this.#last !== undefined && Buffer.compare(this.#last, said) === 0;
    this.#answer = isAsBefore ? this.#last : undefined;
    // A copy, for these bytes are part of a larger buffer.
    if (!isAsBefore) this.#last = isTold ? Uint8Array.from(said) : undefined;
  }
}
