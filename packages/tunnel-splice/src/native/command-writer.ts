import { THREAD_SHIFT, type Command } from './wire.ts';

const INITIAL_WORDS = 16 * 1024;
const HEAD_WORDS = 2;
/** No command has more arguments than this. */
const MOST_ARGUMENTS = 16;

/**
 * Collects commands and hands them to the data threads once for each batch of events: one crossing, and at most one wake-up per thread,
 * for everything that the batch led to. A command is begun, written in order and ended; none is ever left half-written.
 */
export class CommandWriter {
  readonly #post: (words: Uint32Array, count: number) => void;
  #words = new Uint32Array(INITIAL_WORDS);
  #bytes = new Uint8Array(this.#words.buffer);
  #start = 0;
  #used = 0;
  /** Hands over what was collected, now; for what must not wait for the end of the turn. */
  readonly flush = (): void => {
    if (this.#used > 0) this.#post(this.#words, this.#used);
    this.#used = 0;
  };
  /** Next ticks run behind all microtasks: when every continuation of the events at hand has run. */
  readonly #flushSoon = (): void => process.nextTick(this.flush);

  /** @param post takes over the first `count` words before it returns */
  constructor(post: (words: Uint32Array, count: number) => void) {
    this.#post = post;
  }

  /** @param blobBytes how many bytes and characters will be written, at most */
  begin(thread: number, kind: Command, blobBytes = 0): this {
    // Each blob may be padded to a word.
    this.#makeRoom(HEAD_WORDS + 2 * MOST_ARGUMENTS + wordsFor(blobBytes));
    this.#start = this.#used;
    this.#words[this.#start + 1] = kind | (thread << THREAD_SHIFT);
    this.#used += HEAD_WORDS;
    return this;
  }

  word(value: number): this {
    this.#words[this.#used++] = value;
    return this;
  }

  bytes(blob: Uint8Array): this {
    if (blob.length > 0) this.#bytes.set(blob, this.#used * 4);
    this.#used += wordsFor(blob.length);
    return this;
  }

  /** Of ASCII: an address. Shorter than what a Buffer for it would cost. */
  text(ascii: string): this {
    for (let at = 0; at < ascii.length; at++) this.#bytes[this.#used * 4 + at] = ascii.charCodeAt(at);
    this.#used += wordsFor(ascii.length);
    return this;
  }

  end(): void {
    this.#words[this.#start] = this.#used - this.#start;
  }

  #makeRoom(size: number): void {
    if (this.#used + size > this.#words.length) {
      this.flush();
      if (size > this.#words.length) {
        this.#words = new Uint32Array(size);
        this.#bytes = new Uint8Array(this.#words.buffer);
      }
    }
    if (this.#used === 0) queueMicrotask(this.#flushSoon);
  }
}

const wordsFor = (bytes: number): number => (bytes + 3) >>> 2;
