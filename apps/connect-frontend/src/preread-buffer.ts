/** Bytes gathered from one client until its request head is whole. */

/**
 * Grows by doubling, so that a head that drips in byte by byte is copied a constant number of times over. One that comes in a
 * single piece, as nearly all do, is not copied at all.
 */
export class PrereadBuffer {
  #storage: Uint8Array;
  #length: number;

  constructor(firstBytes: Uint8Array) {
    this.#storage = firstBytes;
    this.#length = firstBytes.length;
  }

  /** All bytes so far. A view: good until the next `append`. */
  get bytes(): Uint8Array {
    return this.#storage.subarray(0, this.#length);
  }

  append(chunk: Uint8Array): void {
    if (this.#length === 0) {
      this.#storage = chunk;
    } else {
      this.#reserve(this.#length + chunk.length);
      this.#storage.set(chunk, this.#length);
    }
    this.#length += chunk.length;
  }

  #reserve(length: number): void {
    if (length <= this.#storage.length) return;
    const grown = new Uint8Array(Math.max(length, 2 * this.#storage.length));
    grown.set(this.bytes);
    this.#storage = grown;
  }
}
