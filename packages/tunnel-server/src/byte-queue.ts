/** Joins bytes that arrive in pieces into one contiguous array. */

const NOTHING = new Uint8Array(0);

/**
 * Its memory doubles, so that a byte is copied a constant number of times, in whatever pieces the bytes come. Bytes that come in one
 * piece, as nearly all do, are not copied at all.
 */
export class ByteQueue {
  #storage: Uint8Array;
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array = NOTHING) {
    this.#storage = bytes;
    this.#bytes = bytes;
  }

  /** All of them. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Adds `chunk` behind the others, and returns all of them. */
  append(chunk: Uint8Array): Uint8Array {
    const { length } = this.#bytes;
    if (length === 0) {
      this.#storage = chunk;
      this.#bytes = chunk;
      return chunk;
    }
    const needed = length + chunk.length;
    if (needed > this.#storage.length) {
      const roomy = new Uint8Array(Math.max(needed, 2 * this.#storage.length));
      roomy.set(this.#bytes);
      this.#storage = roomy;
    }
    this.#storage.set(chunk, length);
    this.#bytes = this.#storage.subarray(0, needed);
    return this.#bytes;
  }
}
