import type { Addon } from './addon.ts';
import { THREAD_SHIFT, type Command } from './wire.ts';

const INITIAL_WORDS = 16 * 1024;
const HEAD_WORDS = 2;
/** No command has more arguments than this. */
const MOST_ARGUMENTS = 24;

/**
 * Writes commands into memory that the engine reads before each wait of the event loop, when all continuations of the present events have
 * run. So all commands of a batch of events need no call into the addon, and at most one wake-up per thread. The first word counts the
 * words that follow. A command is begun, written in order and ended. It counts once it has ended, so the engine never sees part of one.
 */
export class CommandWriter {
  readonly #addon: Pick<Addon, 'shareCommands' | 'collect'>;
  #words = new Uint32Array(INITIAL_WORDS);
  #bytes = new Uint8Array(this.#words.buffer);
  #start = 0;
  #at = 0;

  constructor(addon: Pick<Addon, 'shareCommands' | 'collect'>) {
    this.#addon = addon;
  }

  /** From here on commands are taken. */
  share(): void {
    this.#addon.shareCommands(this.#words);
  }

  /** Hands over the commands now, where they must not wait for the end of the turn. */
  flush(): void {
    this.#addon.collect();
  }

  /** @param blobBytes the most bytes and characters that will be written */
  begin(thread: number, kind: Command, blobBytes = 0): this {
    // Each blob may be padded to a word.
    this.#makeRoom(HEAD_WORDS + 2 * MOST_ARGUMENTS + wordsFor(blobBytes));
    this.#start = 1 + this.#used;
    this.#words[this.#start + 1] = kind | (thread << THREAD_SHIFT);
    this.#at = this.#start + HEAD_WORDS;
    return this;
  }

  word(value: number): this {
    this.#words[this.#at++] = value;
    return this;
  }

  bytes(blob: Uint8Array): this {
    if (blob.length > 0) this.#bytes.set(blob, this.#at * 4);
    this.#at += wordsFor(blob.length);
    return this;
  }

  /** An address, in ASCII. Cheaper than a Buffer for it. */
  text(ascii: string): this {
    for (let at = 0; at < ascii.length; at++) this.#bytes[this.#at * 4 + at] = ascii.charCodeAt(at);
    this.#at += wordsFor(ascii.length);
    return this;
  }

  end(): void {
    this.#words[this.#start] = this.#at - this.#start;
    this.#words[0] = this.#at - 1;
  }

  get #used(): number {
    return this.#words[0] ?? 0;
  }

  #makeRoom(size: number): void {
    if (1 + this.#used + size <= this.#words.length) return;
    this.flush();
    if (1 + this.#used + size <= this.#words.length) return;
    this.#words = new Uint32Array(1 + size);
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.share();
  }
}

const wordsFor = (bytes: number): number => (bytes + 3) >>> 2;
