/** One direction of a splice: written once, used twice. */
import type { Departure } from '../transport.ts';
import type { PortableLeg, Relay } from './leg.ts';
import { BULK_BYTES } from './read-buffers.ts';

/** What a direction tells its splice. */
export interface DirectionEvents {
  /** Bytes came, or went after a wait. */
  moved(direction: Direction): void;
  /** It waits for its reader to drain, or has had its last byte: RST may now go unheard. */
  fellSilent(): void;
  /** FIN came; it has been passed on behind the last byte. */
  ended(direction: Direction): void;
  /** No byte is on its way any more, for now. */
  drained(): void;
  /** RST came, behind all that was read. */
  reset(direction: Direction): void;
  /** Nothing can be sent any more to the leg that this direction reads from; what that had said before is still to be read. */
  lost(direction: Direction): void;
  stopped(): void;
}

/** Bytes from one leg to the other, in order, with at most one read's worth under way. */
export class Direction implements Relay {
  readonly #from: PortableLeg;
  readonly #to: PortableLeg;
  readonly #events: DirectionEvents;
  /** Handed to the kernel so far. */
  relayedBytes = 0;
  /** Read, and not yet taken by the kernel. */
  pendingBytes = 0;
  hasEnded = false;
  /** Its reader is lost. */
  #isAbandoned = false;

  constructor(from: PortableLeg, to: PortableLeg, events: DirectionEvents) {
    this.#from = from;
    this.#to = to;
    this.#events = events;
    from.joinTo(this);
  }

  /** Sends on what was read before the splice: first what the holder has, then what the leg read ahead. */
  start(alreadyRead: Uint8Array | undefined): void {
    if (alreadyRead !== undefined) this.carry(alreadyRead);
    this.carry(this.#from.takeAhead(Infinity));
    if (this.#from.departure !== undefined) this.departed(this.#from.departure);
    else if (this.pendingBytes === 0) this.#from.resume();
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

  /** Reads no more: there is nobody to send it to. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  stopped(): void {
    this.#events.stopped();
  }

  #wait(bytes: Uint8Array): void {
    // `offer` has found that out.
    if (this.#isAbandoned) return;
    this.pendingBytes += bytes.length;
    this.#to.queue(bytes, (hasGone) => this.#waited(bytes.length, hasGone));
    this.#events.fellSilent();
  }

  #waited(length: number, hasGone: boolean): void {
    this.pendingBytes -= length;
    if (hasGone) {
      this.relayedBytes += length;
      this.#events.moved(this);
    }
    if (this.pendingBytes > 0) return;
    if (!this.hasEnded && !this.#isAbandoned) this.#from.resume();
    this.#events.drained();
  }
}

// After a read this large the others get their turn: libuv would go on with the same socket for 32 reads.
function resume(leg: PortableLeg): void {
  leg.resume();
}
