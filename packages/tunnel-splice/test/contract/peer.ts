/** The other end of a leg: a plain socket that writes down what happens to it. */
import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Departure } from '../../src/index.ts';

/** A client or an upstream of the transport under test. */
export class Peer {
  readonly socket: Socket;
  /** How our side of the connection left, as the peer saw it. */
  readonly departure: Promise<Departure>;
  #chunks: Buffer[] = [];
  #length = 0;
  #onBytes: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.departure = new Promise((resolve) => {
      // A write under way may have been told of the RST, and nobody else will be: its error comes in this turn.
      socket.once('end', () => {
        const how = howItEnded(socket);
        setImmediate(() => resolve(how));
      });
      socket.once('error', () => resolve('reset'));
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#onBytes?.();
    });
  }

  get receivedBytes(): number {
    return this.#length;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Resolves once the kernel has it. */
  sends(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** FIN, with the other direction left open. */
  finish(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Stops reading, so that the kernel holds the transport back. */
  stall(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.socket.resume();
  }

  /** Resolves with what came, once so many bytes are there. */
  async receives(length: number): Promise<Buffer> {
    while (this.#length < length) await new Promise<void>((resolve) => (this.#onBytes = resolve));
    return this.received;
  }

  /** Resolves with all that came before the FIN; rejects if it was cut short by an RST. */
  async receivesAll(): Promise<Buffer> {
    if ((await this.departure) === 'reset') throw new Error(`reset after ${this.#length} bytes`);
    return this.received;
  }
}

/** Node says that a stream has ended also where an RST came right behind its last bytes: the kernel knows better. */
function howItEnded(socket: Socket): Departure {
  // The descriptor has no public name.
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  try {
    readSync(fd, new Uint8Array(1));
    return 'end';
  } catch {
    return 'reset';
  }
}
