/**
 * The one buffer that every socket of a transport reads into.
 *
 * Node calls back in the very read, and what was read is handed to the kernel, or copied, before the callback returns. So one
 * piece of memory serves all, an idle tunnel holds none, and the size of a read can follow the flow: three views of the same memory.
 * Node's own stream takes a fresh 64 KiB for each read.
 */

/** Enough for a CONNECT head or a ClientHello; what is read ahead overshoots its bound by no more than this. */
const HELD_BYTES = 16 * 1024;

/** Most flows never fill this. */
const SMALL_BYTES = 64 * 1024;

/** CPU per GiB, as a part of `pipe`: 256 KiB 0.63, 1 MiB 0.55, 4 MiB 0.44 (what a kernel socket holds at most by default). */
export const BULK_BYTES = 4 * 1024 * 1024;

/** How much all stalled directions together may hold before nobody gets large reads any more: what a read brings may have to wait. */
const STALLED_LIMIT_BYTES = 64 * 1024 * 1024;

/** The shared memory, and the account of what had to be copied out of it. */
export class ReadBuffers {
  // No Buffer: there `slice` would be a view, and what was cut out of shared memory must be a copy.
  readonly #bulk = new Uint8Array(BULK_BYTES);
  readonly #small = this.#bulk.subarray(0, SMALL_BYTES);
  /** For a leg that nobody relays from yet. */
  readonly held = this.#bulk.subarray(0, HELD_BYTES);
  /** For what is read out of turn, while `held` or a view of `bulk` may be in use. */
  readonly readOut = new Uint8Array(SMALL_BYTES);
  #stalledBytes = 0;

  /** For a relayed direction whose last read brought so much: one that fills its buffer turns bulk, one that does not calms down. */
  after(readBytes: number): Uint8Array {
    return readBytes >= SMALL_BYTES && this.#stalledBytes < STALLED_LIMIT_BYTES ? this.#bulk : this.#small;
  }

  /** A copy of bytes that the kernel did not take; to be given back by its length. */
  keep(bytes: Uint8Array): Uint8Array {
    this.#stalledBytes += bytes.length;
    return Buffer.from(bytes);
  }

  /** So many kept bytes have gone, one way or the other. */
  release(length: number): void {
    this.#stalledBytes -= length;
  }
}
