/** TLS's presentation language, as far as a ClientHello uses it (RFC 8446 §3): numbers, and vectors with their length before them. */

/**
 * Reads a vector from front to back. A read past its end gives 0 or nothing, and from then on `isExact` is false. So a structure is read
 * in one pass, and checked once.
 */
export class VectorReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #isOverrun = false;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** How many bytes are still to be read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Whether all was read, and nothing past the end. */
  get isExact(): boolean {
    return this.left === 0 && !this.#isOverrun;
  }

  uint8(): number {
    return this.#uint(1);
  }

  uint16(): number {
    return this.#uint(2);
  }

  uint24(): number {
    return this.#uint(3);
  }

  /** A vector of at most 255 bytes. */
  vector8(): VectorReader {
    return this.#vector(this.uint8());
  }

  /** A vector of at most 65,535 bytes. */
  vector16(): VectorReader {
    return this.#vector(this.uint16());
  }

  skip(count: number): void {
    this.#claim(count);
  }

  /** The next bytes as they are: a view. */
  bytes(count: number): Uint8Array {
    const start = this.#claim(count);
    return this.#bytes.subarray(start, this.#at);
  }

  /** All that is left, as text of one character a byte. */
  text(): string {
    const { buffer, byteOffset, length } = this.bytes(this.left);
    return Buffer.from(buffer, byteOffset, length).toString('latin1');
  }

  #uint(size: number): number {
    const start = this.#claim(size);
    let value = 0;
    for (let at = start; at < this.#at; at += 1) value = value * 256 + (this.#bytes[at] ?? 0);
    return value;
  }

  #vector(length: number): VectorReader {
    const start = this.#claim(length);
    return new VectorReader(this.#bytes, start, this.#at);
  }

  /** Moves on by `count` bytes and returns where they start. */
  #claim(count: number): number {
    if (count > this.left) {
      this.#isOverrun = true;
      this.#at = this.#end;
      return this.#end;
    }
    this.#at += count;
    return this.#at - count;
  }
}
