/** Limits how much framing, which is read octet by octet on the deciding thread, all connections together read in one turn of the loop. */

/** Chunks of one byte, which are five parts framing, keep the thread busy for about 0.3 ms in a turn of so many. */
export const TURN_BYTES = 48 * 1024;

/** Shared by all connections. Those that wait go on in the order in which they came. */
export class FramingTurns {
  #leftBytes = TURN_BYTES;
  #next: Promise<void> | undefined;

  /** Accounts for so many octets of framing that were read; resolves when their reader may go on, undefined: at once. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#leftBytes <= 0) return this.#wait(bytes);
    this.#leftBytes -= bytes;
    return undefined;
  }

  async #wait(bytes: number): Promise<void> {
    while (this.#leftBytes <= 0) await (this.#next ??= this.#turn());
    this.#leftBytes -= bytes;
  }

  /** The loop polls its sockets between two of these, so that whoever waits for one is served meanwhile. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined;
        this.#leftBytes = TURN_BYTES;
        resolve();
      });
    });
  }
}
