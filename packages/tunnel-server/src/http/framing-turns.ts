/**
 * Limits how much framing all connections together read in one turn of the loop. Framing is read octet by octet on the thread that
 * decides.
 */

/** With chunks of one byte, where five of six octets are framing, so many take about 0.3 ms. */
export const TURN_BYTES = 48 * 1024;

/** Shared by all connections. Those that wait continue in the order in which they came. */
export class FramingTurns {
  #leftBytes = TURN_BYTES;
  #next: Promise<void> | undefined;

  /** Accounts for so many octets of framing that were read. Resolves when their reader may go on; undefined: at once. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#leftBytes <= 0) return this.#wait(bytes);
    this.#leftBytes -= bytes;
    return undefined;
  }

  async #wait(bytes: number): Promise<void> {
    while (this.#leftBytes <= 0) await (this.#next ??= this.#turn());
    this.#leftBytes -= bytes;
  }

  /** The loop polls its sockets between two of these, so that other connections are served. */
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
