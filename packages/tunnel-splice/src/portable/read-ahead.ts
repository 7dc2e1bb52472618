/** Keeps bytes that were read ahead, in one piece: a client that sends them one by one must not cost an object each. */

/** The least memory that is taken for them. */
const LEAST_CAPACITY = 1024;

/** A queue of bytes that grows as needed; its owner bounds it. */
export class ReadAhead {
  #memory = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** All of it, without a copy. Valid only until the next call. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** Copies `bytes` behind the present ones. */
  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#memory.length) this.#makeRoom(bytes.length);
    this.#memory.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Copies `bytes` before the present ones. */
  prepend(bytes: Uint8Array): void {
    const behind = this.take(this.length);
    this.append(bytes);
    this.append(behind);
  }

  /** The first bytes, `limitBytes` at most; the caller owns them. */
  take(limitBytes: number): Uint8Array {
    const end = Math.min(this.#end, this.#start + limitBytes);
    const bytes = this.#memory.slice(this.#start, end);
    this.#start = end;
    if (this.length === 0) this.clear();
    return bytes;
  }

  clear(): void {
    this.#memory = new Uint8Array(0);
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(moreBytes: number): void {
    const kept = this.#memory.subarray(this.#start, this.#end);
    // Doubling keeps the copying linear, whatever the size of the pieces.
    const memory = new Uint8Array(Math.max(LEAST_CAPACITY, (kept.length + moreBytes) * 2));
    memory.set(kept);
    this.#end = kept.length;
    this.#start = 0;
    this.#memory = memory;
  }
}
