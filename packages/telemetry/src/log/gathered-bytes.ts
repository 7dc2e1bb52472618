/** Bytes that wait to be written together, up to a limit, in two buffers that are used in turn. */

const SMALLEST_BYTES = 16 * 1024;
/** A buffer that grew larger than this in a burst is released. */
const LARGEST_KEPT_BYTES = 256 * 1024;

export class GatheredBytes {
  readonly #limitBytes: number;
  #gathering = Buffer.allocUnsafeSlow(SMALLEST_BYTES);
  #taken = Buffer.allocUnsafeSlow(SMALLEST_BYTES);
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies the first `length` bytes. False where there is no room for all of them. */
  add(bytes: Buffer, length: number): boolean {
    const grown = this.#length + length;
    if (grown > this.#limitBytes) return false;
    if (grown > this.#gathering.length) this.#grow(grown);
    bytes.copy(this.#gathering, this.#length, 0, length);
    this.#length = grown;
    return true;
  }

  /** Returns all that has gathered. It is valid until the next call. */
  take(): Buffer {
    const taken = this.#gathering;
    this.#gathering = this.#taken.length > LARGEST_KEPT_BYTES ? Buffer.allocUnsafeSlow(SMALLEST_BYTES) : this.#taken;
    this.#taken = taken;
    const length = this.#length;
    this.#length = 0;
    return taken.subarray(0, length);
  }

  #grow(neededBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(
      Math.min(this.#limitBytes, Math.max(neededBytes, 2 * this.#gathering.length)),
    );
    this.#gathering.copy(larger, 0, 0, this.#length);
    this.#gathering = larger;
  }
}

/** How many lines end in these bytes. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** The end of `bytes` that begins with the line in which `rest`, a shorter end, begins. */
export function fromLineStart(bytes: Buffer, rest: Buffer): Buffer {
  const restAt = bytes.length - rest.length;
  if (restAt === 0 || rest.length === 0) return rest;
  return bytes.subarray(bytes.lastIndexOf(NEWLINE, restAt - 1) + 1);
}

const NEWLINE = 0x0a;
