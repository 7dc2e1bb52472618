/** A leg as a stream of `node:stream`, which is what `node:http` reads and writes: with backpressure, FIN and RST. */
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DeadlineMs, Departure, Leg } from '@sallyport/tunnel-splice';

/** At a time. As small as this, a chunk full of pipelined requests is no burden. */
const READ_BYTES = 16 * 1024;

/** Written and not known to have gone: so much is let pass before anybody waits. */
const UNDRAINED_BYTES = 64 * 1024;

/** Owns its leg until {@link handBack}: a stream destroyed with an error resets it, any other end closes it. */
export class LegStream {
  readonly leg: Leg;
  readonly stream: Duplex;
  bytesRead = 0;
  bytesWritten = 0;
  /** When a byte last came or went. */
  lastMoveAt: DeadlineMs = performance.now();
  /** How the peer left, once all that it said has been read. */
  departure: Departure | undefined;
  #undrainedBytes = 0;
  #draining: Promise<void> | undefined;
  #isReading = false;
  #isWanted = false;
  #isHeld = false;
  /** Read after the leg was handed back. */
  #strays: Uint8Array[] | undefined;

  /** @param unread what was read of the leg before; it comes first */
  constructor(leg: Leg, unread: Uint8Array = new Uint8Array(0)) {
    this.leg = leg;
    this.stream = new Duplex({
      read: () => this.#want(),
      write: (chunk: Uint8Array, _encoding, done) => this.#write(chunk, done),
      final: (done) => {
        void this.drained().then(() => {
          this.#close();
          done();
        });
      },
      destroy: (error, done) => {
        this.#close(error);
        done(error);
      },
    });
    // An `error` event that nobody hears ends the process; who has to know of it listens too.
    this.stream.on('error', () => undefined);
    if (unread.length > 0) this.#received(unread);
  }

  /** Whether nothing more is to be read from it, or written to it. */
  get isOver(): boolean {
    const { destroyed, writableEnded } = this.stream;
    return destroyed || writableEnded || this.departure !== undefined || this.#strays !== undefined;
  }

  /** Reads no more, until `resume`; what has been read already still comes. */
  hold(): void {
    this.#isHeld = true;
  }

  resume(): void {
    this.#isHeld = false;
    if (this.#isWanted) this.#want();
  }

  /** Resolves once the kernel has all that has been written by now, or never will. */
  drained(): Promise<void> {
    this.#draining ??= this.leg.drained().then(() => (this.#draining = undefined));
    return this.#draining;
  }

  /** Gives up the stream for good. Resolves with what was read and nobody got; from that very moment the leg is the caller's. */
  async handBack(): Promise<Uint8Array> {
    const strays: Uint8Array[] = [];
    this.#strays = strays;
    const unread: unknown = this.stream.read();
    if (unread instanceof Uint8Array) strays.push(unread);
    // A read may have come back that its reader has not been told of yet.
    await nextTurn();
    return Buffer.concat(strays);
  }

  #want(): void {
    this.#isWanted = true;
    if (!this.#isReading && !this.#isHeld && this.departure === undefined) void this.#read();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    this.#isWanted = false;
    const result = await this.leg.read(READ_BYTES, Infinity);
    this.#isReading = false;
    if (typeof result === 'string') this.#departed(result === 'reset' ? 'reset' : 'end');
    else this.#received(result);
  }

  #received(bytes: Uint8Array): void {
    if (this.#strays) {
      this.#strays.push(bytes);
      return;
    }
    this.bytesRead += bytes.length;
    this.lastMoveAt = performance.now();
    this.stream.push(bytes);
  }

  #departed(how: Departure): void {
    this.departure = how;
    if (this.#strays) return;
    if (how === 'end') this.stream.push(null);
    else this.stream.destroy(new Error('the peer has reset the connection'));
  }

  #write(bytes: Uint8Array, done: () => void): void {
    this.leg.write(bytes);
    this.bytesWritten += bytes.length;
    this.lastMoveAt = performance.now();
    this.#undrainedBytes += bytes.length;
    if (this.#undrainedBytes < UNDRAINED_BYTES) {
      done();
      return;
    }
    this.#undrainedBytes = 0;
    void this.drained().then(() => {
      this.lastMoveAt = performance.now();
      done();
    });
  }

  #close(error?: Error | null): void {
    if (this.#strays) return;
    if (error) this.leg.reset();
    else this.leg.close();
  }
}
