/** One direction of a splice. */
import type { Departure } from '../transport.ts';
import type { PortableLeg, Relay, Writer } from './leg.ts';
import { BULK_BYTES } from './read-buffers.ts';

/** What a direction reports to its splice. */
export interface DirectionEvents {
  /** Bytes were read, or waiting bytes were sent. */
  moved(direction: Direction): void;
  /** The direction waits for its reader to drain, or has sent its last byte. An RST may now go unnoticed. */
  fellSilent(): void;
  /** FIN was read, and has been passed on behind the last byte. */
  ended(direction: Direction): void;
  /** No byte is on its way at the moment. */
  drained(): void;
  /** An RST was read, behind all bytes. */
  reset(direction: Direction): void;
  /** Nothing can be sent any more to the leg that this direction reads from. Bytes it sent before may still be unread. */
  lost(direction: Direction): void;
  stopped(): void;
}

/** Moves bytes from one leg to the other, in order. At most one read's bytes wait to be sent. */
export class Direction implements Relay, Writer {
  readonly #from: PortableLeg;
  readonly #to: PortableLeg;
  readonly #events: DirectionEvents;
  /** Bytes that the kernel has taken. */
  relayedBytes = 0;
  /** Bytes that were read and queued, in writes that the kernel has not taken whole yet. */
  pendingBytes = 0;
  #pendingWrites = 0;
  /** How many of the pending bytes the kernel has taken. */
  #takenBytes = 0;
  hasEnded = false;
  /** Nothing can be sent to its reader any more. */
  #isAbandoned = false;

  constructor(from: PortableLeg, to: PortableLeg, events: DirectionEvents) {
    this.#from = from;
    this.#to = to;
    this.#events = events;
    from.joinTo(this);
  }

  /** Sends what was read before the splice: first the holder's bytes, then what the leg read ahead. */
  start(alreadyRead: Uint8Array | undefined): void {
    if (alreadyRead !== undefined) this.carry(alreadyRead);
    this.carry(this.#from.takeAhead(Infinity));
    const { departure, isLost } = this.#from;
    if (departure !== undefined) this.departed(departure);
    else if (this.pendingBytes === 0) this.#from.resume();
    // An RST behind its FIN is passed on as well.
    if (departure === 'end' && isLost) this.departed('reset');
  }

  carry(bytes: Uint8Array): boolean {
    if (this.#isAbandoned) return false;
    if (bytes.length === 0) return true;
    this.#events.moved(this);
    const takenBytes = this.#to.offer(bytes);
    this.relayedBytes += takenBytes;
    if (takenBytes < bytes.length) this.#wait(bytes.subarray(takenBytes));
    else if (bytes.length >= BULK_BYTES) setImmediate(resume, this.#from);
    else return true;
    return false;
  }

  departed(how: Departure): void {
    if (how === 'reset') {
      this.#events.reset(this);
      return;
    }
    this.hasEnded = true;
    this.#to.finish();
    this.#events.ended(this);
  }

  lost(): void {
    this.#events.lost(this);
  }

  /** Stops reading: there is no leg to send the bytes to. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  stopped(): void {
    this.#events.stopped();
  }

  /** A slow reader takes megabytes that wait little by little: what has gone of them counts, and is no silence. */
  look(): void {
    // Node.js gives the kernel one write at a time, and tells nothing of those behind it.
    if (this.#pendingWrites !== 1) return;
    const takenBytes = this.#to.takenBytesOf(this.pendingBytes);
    if (takenBytes <= this.#takenBytes) return;
    this.relayedBytes += takenBytes - this.#takenBytes;
    this.#takenBytes = takenBytes;
    this.#events.moved(this);
  }

  written(length: number, hasGone: boolean): void {
    const countedBytes = Math.min(length, this.#takenBytes);
    this.#takenBytes -= countedBytes;
    this.pendingBytes -= length;
    this.#pendingWrites -= 1;
    if (hasGone) {
      this.relayedBytes += length - countedBytes;
      this.#events.moved(this);
    }
    if (this.pendingBytes > 0) return;
    if (!this.hasEnded && !this.#isAbandoned) this.#from.resume();
    this.#events.drained();
  }

  #wait(bytes: Uint8Array): void {
    // `offer` has found the reader lost.
    if (this.#isAbandoned) return;
    this.pendingBytes += bytes.length;
    this.#pendingWrites += 1;
    this.#to.queue(bytes, this);
    this.#events.fellSilent();
  }
}

// After a read this large, other sockets are served first: libuv would continue with the same socket for 32 reads.
function resume(leg: PortableLeg): void {
  leg.resume();
}
