/**
 * The one buffer that every socket of a transport reads into.
 *
 * Node.js calls `onread` within the read itself, and what was read is given to the kernel, or copied, before the callback returns. So one
 * piece of memory serves all, an idle tunnel holds none, and the size of a read can follow the flow: there are three views of the same
 * memory. Node's own stream allocates 64 KiB for each read.
 */

/** Enough for a CONNECT head or a ClientHello. What is read ahead exceeds its bound by no more than this. */
const HELD_BYTES = 16 * 1024;

/** Most reads never fill this. */
const SMALL_BYTES = 64 * 1024;

/** CPU per GiB, as a part of `pipe`: 256 KiB 0.63, 1 MiB 0.55, 4 MiB 0.44 (what a kernel socket holds at most by default). */
export const BULK_BYTES = 4 * 1024 * 1024;

/** How much all stalled directions together may hold. Above it there are no large reads: what a read brings may have to be kept. */
const STALLED_LIMIT_BYTES = 64 * 1024 * 1024;

/** The shared memory, and how much of what was read had to be copied. */
export class ReadBuffers {
  // Not a Buffer: its `slice` would be a view, and what is taken out of shared memory must be a copy.
  readonly #bulk = new Uint8Array(BULK_BYTES);
  readonly #small = this.#bulk.subarray(0, SMALL_BYTES);
  /** For a leg that is not spliced yet. */
  readonly held = this.#bulk.subarray(0, HELD_BYTES);
  /** For a read out of order, while `held` or a view of `bulk` may be in use. */
  readonly readOut = new Uint8Array(SMALL_BYTES);
  #stalledBytes = 0;

  /**
   * The next buffer for a spliced direction whose last read brought so much: a full buffer leads to the large one, any other to the small
   * one.
   */
  after(readBytes: number): Uint8Array {
    return readBytes >= SMALL_BYTES && this.#stalledBytes < STALLED_LIMIT_BYTES ? this.#bulk : this.#small;
  }

  /** Copies bytes that the kernel did not take. They are released by their length. */
  keep(bytes: Uint8Array): Uint8Array {
    this.#stalledBytes += bytes.length;
    return Buffer.from(bytes);
  }

  /** So many kept bytes were sent or discarded. */
  release(length: number): void {
    this.#stalledBytes -= length;
  }
}
