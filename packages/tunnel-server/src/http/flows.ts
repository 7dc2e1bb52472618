/** The two directions of a leg: reads, where unused bytes can be put back; and writes, with backpressure. */
import type { DeadlineMs, Departure, Leg } from '@sallyport/tunnel-splice';
import type { Field } from './head-lines.ts';

const NOTHING = new Uint8Array(0);

/** At a time: as much as a leg reads ahead. */
const READ_BYTES = 64 * 1024;

/** Bytes that may be written and not yet sent before a writer has to wait. */
const UNDRAINED_BYTES = 64 * 1024;

/** The memory of a pending write beside its bytes: many writes of a single byte must count too. */
const WRITE_BYTES = 512;

/** What a leg receives. One reader at a time; the leg stays its owner's. */
export class Inflow {
  readonly leg: Leg;
  /** Bytes read from the leg since this was made. */
  bytesRead = 0;
  firstByteAt: DeadlineMs | undefined;
  lastMoveAt: DeadlineMs = performance.now();
  /** A read waits for the peer. */
  isAwaited = false;
  #unread: Uint8Array;

  /** @param unread what was read from the leg before; it comes first */
  constructor(leg: Leg, unread: Uint8Array = NOTHING) {
    this.leg = leg;
    this.#unread = unread;
  }

  /** What was read and not used. */
  get unread(): Uint8Array {
    return this.#unread;
  }

  /** The next bytes, or how the peer left. `end` for a leg that we have ended. */
  async read(): Promise<Uint8Array | Departure> {
    if (this.#unread.length > 0) {
      const bytes = this.#unread;
      this.#unread = NOTHING;
      return bytes;
    }
    this.isAwaited = true;
    const bytes = await this.leg.read(READ_BYTES, Infinity);
    this.isAwaited = false;
    if (typeof bytes === 'string') return bytes === 'reset' ? 'reset' : 'end';
    this.bytesRead += bytes.length;
    this.lastMoveAt = performance.now();
    this.firstByteAt ??= this.lastMoveAt;
    return bytes;
  }

  /** The next read returns these first. */
  putBack(bytes: Uint8Array): void {
    this.#unread = bytes;
  }
}

/** What is sent to a leg. One writer at a time; the leg stays its owner's. */
export class Outflow {
  readonly leg: Leg;
  bytesWritten = 0;
  lastMoveAt: DeadlineMs = performance.now();
  #undrainedBytes = 0;
  #isShut = false;

  constructor(leg: Leg) {
    this.leg = leg;
  }

  /** Its owner ends the leg: what is written from now on is discarded, and not counted. */
  shut(): void {
    this.#isShut = true;
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isShut) return;
    this.leg.write(bytes);
    this.bytesWritten += bytes.length;
    this.lastMoveAt = performance.now();
    this.#undrainedBytes += bytes.length + WRITE_BYTES;
    if (this.#undrainedBytes >= UNDRAINED_BYTES) await this.drained();
  }

  /** Resolves once the kernel has taken all that was written, or never can. */
  async drained(): Promise<void> {
    this.#undrainedBytes = 0;
    await this.leg.drained();
    this.lastMoveAt = performance.now();
  }
}

/** A chunk of the chunked transfer coding (RFC 9112 §7.1). Never of no bytes: that would be the last chunk. */
export function encodeChunk(content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`, 'latin1'), content, LINE_END]);
}

/** The last chunk, and the trailers. */
export function encodeLastChunk(trailers: readonly Field[]): Uint8Array {
  const lines = trailers.map(({ spelling, value }) => `${spelling}: ${value}\r\n`);
  return Buffer.from(`0\r\n${lines.join('')}\r\n`, 'latin1');
}

const LINE_END = Buffer.from('\r\n', 'latin1');
