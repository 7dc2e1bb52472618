/** The other end of a leg: a plain socket that counts and checksums what it receives. */
import { createHash, type Hash } from 'node:crypto';
import type { Socket } from 'node:net';

/** Beyond this nothing happens any more that has not happened yet. */
const PATIENCE_MS = 15_000;

export class Peer {
  readonly socket: Socket;
  readonly #hash: Hash = createHash('sha256');
  #heardBytes = 0;
  #departure: 'end' | 'reset' | 'closed' | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#hash.update(chunk);
      this.#heardBytes += chunk.length;
      this.#wake();
    });
    socket.on('end', () => this.#left('end'));
    socket.on('error', () => this.#left('reset'));
    // Neither of the two: it left first, by a reset of its own.
    socket.on('close', () => this.#left('closed'));
  }

  hears(count: number): Promise<void> {
    return this.#until(`${count} bytes`, () => this.#heardBytes >= count);
  }

  departs(): Promise<void> {
    return this.#until('the end', () => this.#departure !== undefined);
  }

  /** All that it has seen; once, at the end. */
  seen(): { bytes: number; hash: string; departure: string | undefined } {
    this.socket.destroy();
    return { bytes: this.#heardBytes, hash: this.#hash.digest('hex'), departure: this.#departure };
  }

  #left(how: 'end' | 'reset' | 'closed'): void {
    this.#departure ??= how;
    this.#wake();
  }

  #until(what: string, isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited in vain for ${what}, heard ${this.#heardBytes}`)),
        PATIENCE_MS,
      );
      this.#wake = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        resolve();
      };
      this.#wake();
    });
  }
}
