import { THREAD_SHIFT, type Command } from './wire.ts';

const INITIAL_WORDS = 16 * 1024;
const HEAD_WORDS = 2;

/**
 * Collects commands and hands them to the data threads once per turn of the event loop: one crossing, and at most one wake-up
 * per thread, for everything that a batch of events led to.
 */
export class CommandWriter {
  readonly #post: (words: Uint32Array, count: number) => void;
  #words = new Uint32Array(INITIAL_WORDS);
  #bytes = new Uint8Array(this.#words.buffer);
  #used = 0;
  /** Hands over what was collected, now; for what must not wait for the end of the turn. */
  readonly flush = (): void => {
    if (this.#used > 0) this.#post(this.#words, this.#used);
    this.#used = 0;
  };

  /** @param post takes over the first `count` words before it returns */
  constructor(post: (words: Uint32Array, count: number) => void) {
    this.#post = post;
  }

  /** Appends one command: its arguments, then each of `blobs` padded to a word, then `blankWords` words of 0. */
  send(
    thread: number,
    kind: Command,
    args: readonly number[],
    blobs: readonly Uint8Array[] = [],
    blankWords = 0,
  ): void {
    let size = HEAD_WORDS + args.length + blankWords;
    for (const blob of blobs) size += wordsFor(blob.length);
    this.#makeRoom(size);
    const words = this.#words;
    words[this.#used] = size;
    words[this.#used + 1] = kind | (thread << THREAD_SHIFT);
    words.set(args, this.#used + HEAD_WORDS);
    let at = this.#used + HEAD_WORDS + args.length;
    for (const blob of blobs) {
      this.#bytes.set(blob, at * 4);
      at += wordsFor(blob.length);
    }
    this.#used += size;
    words.fill(0, at, this.#used);
  }

  /** At the end of the turn, when every continuation of the events of this turn has run. */
  #makeRoom(size: number): void {
    if (this.#used + size > this.#words.length) {
      this.flush();
      if (size > this.#words.length) {
        this.#words = new Uint32Array(size);
        this.#bytes = new Uint8Array(this.#words.buffer);
      }
    }
    if (this.#used === 0) setImmediate(this.flush);
  }
}

const wordsFor = (bytes: number): number => (bytes + 3) >>> 2;
