/** TLS's presentation language, as far as a ClientHello uses it (RFC 8446 §3): numbers, and vectors with their length before them. */

const NO_BYTES = new Uint8Array(0);

/**
 * Reads a vector from front to back. A read past its end gives 0 or nothing, and from then on `isExact` is false. So a structure is read
 * in one pass, and checked once. One reader serves all vectors of a message, one after the other: a reader for each would be most of
 * what a hello costs.
 */
export class VectorReader {
  #bytes: Uint8Array = NO_BYTES;
  #end = 0;
  #at = 0;
  #isOverrun = false;

  constructor(bytes: Uint8Array = NO_BYTES) {
    this.open(bytes, 0, bytes.length);
  }

  /** From here on it reads the vector that lies there. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isOverrun = false;
  }

  /** The same, of another part of the same bytes. */
  reopen(start: number, end: number): void {
    this.open(this.#bytes, start, end);
  }

  /** Where it stands: behind a vector that was passed, the end of that. */
  get at(): number {
    return this.#at;
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
    const start = this.#claim(1);
    return this.#at - start === 1 ? this.#byteAt(start) : 0;
  }

  uint16(): number {
    const start = this.#claim(2);
    return this.#at - start === 2 ? this.#byteAt(start) * 0x100 + this.#byteAt(start + 1) : 0;
  }

  uint24(): number {
    const start = this.#claim(3);
    if (this.#at - start !== 3) return 0;
    return (this.#byteAt(start) * 0x100 + this.#byteAt(start + 1)) * 0x100 + this.#byteAt(start + 2);
  }

  /** Passes a vector of at most 255 bytes. Returns where it begins; it ends {@link at} where the reader then stands. */
  pass8(): number {
    return this.#claim(this.uint8());
  }

  /** Passes a vector of at most 65,535 bytes, as {@link pass8} does. */
  pass16(): number {
    return this.#claim(this.uint16());
  }

  skip(count: number): void {
    this.#claim(count);
  }

  /** The bytes from there on up to where the reader stands, as text of one character a byte. */
  textFrom(start: number): string {
    const bytes = this.#bytes;
    // What a transport has read is a Buffer as it is.
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return buffer.toString('latin1', start, this.#at);
  }

  #byteAt(at: number): number {
    return this.#bytes[at] ?? 0;
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
