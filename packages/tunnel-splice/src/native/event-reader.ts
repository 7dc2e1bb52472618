import { EVENT, type LegName } from './wire.ts';

/** What the data threads report, in the order in which it happened on each. */
export interface EventHandler {
  accepted(client: AcceptedClient): void;
  data(leg: LegName, bytes: Uint8Array): void;
  /** The peer's FIN has come; bytes may still be waiting before it. */
  gone(leg: LegName): void;
  end(leg: LegName): void;
  failed(leg: LegName): void;
  /** `leg` and `local` mean something only where the outcome is `connected`. */
  dialed(token: number, outcome: number, leg: LegName, localHost: string, localPort: number): void;
  /** @param firstByteNs on the kernel's monotonic clock; 0 if none came */
  tunnelEnded(tunnel: number, end: number, firstByteNs: number): void;
  listenerClosed(listener: number): void;
  /** Nothing that was written to `leg` waits any more. */
  drained(leg: LegName): void;
}

export interface AcceptedClient {
  readonly leg: LegName;
  readonly listener: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Empty: the listener's own address. */
  readonly localHost: string;
  readonly localPort: number;
  /** Where it was going before it was redirected. Empty: nobody knows of a redirection. */
  readonly originalHost: string;
  readonly originalPort: number;
  /** What the client had said already. */
  readonly bytes: Uint8Array;
}

/** Reads the records of one batch. The batch's memory is used again, so bytes are copied out of it. */
export class EventReader {
  readonly words: Uint32Array;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(wordCount: number) {
    this.words = new Uint32Array(wordCount);
    this.#bytes = Buffer.from(this.words.buffer);
  }

  /** Calls `handler` for each record in the first `count` words. */
  read(count: number, handler: EventHandler): void {
    for (let start = 0; start < count; start += this.words[start] ?? count) {
      this.#at = start + 2;
      this.#dispatch(this.words[start + 1] ?? 0, handler);
    }
  }

  #dispatch(kind: number, handler: EventHandler): void {
    switch (kind) {
      case EVENT.accepted:
        handler.accepted(this.#acceptedClient());
        break;
      case EVENT.data:
        handler.data(this.#leg(), this.#blob(this.#word()));
        break;
      case EVENT.gone:
        handler.gone(this.#leg());
        break;
      case EVENT.end:
        handler.end(this.#leg());
        break;
      case EVENT.failed:
        handler.failed(this.#leg());
        break;
      case EVENT.dialed:
        this.#dialed(handler);
        break;
      case EVENT.tunnelEnded:
        handler.tunnelEnded(this.#word(), this.#word(), this.#word() * 2 ** 32 + this.#word());
        break;
      case EVENT.listenerClosed:
        handler.listenerClosed(this.#word());
        break;
      case EVENT.drained:
        handler.drained(this.#leg());
        break;
    }
  }

  #acceptedClient(): AcceptedClient {
    const leg = this.#leg();
    const listener = this.#word();
    const remotePort = this.#word();
    const localPort = this.#word();
    const originalPort = this.#word();
    const remoteLength = this.#word();
    const localLength = this.#word();
    const originalLength = this.#word();
    const byteLength = this.#word();
    const remoteHost = this.#text(remoteLength);
    const localHost = this.#text(localLength);
    const originalHost = this.#text(originalLength);
    const bytes = this.#blob(byteLength);
    return { leg, listener, remoteHost, remotePort, localHost, localPort, originalHost, originalPort, bytes };
  }

  #dialed(handler: EventHandler): void {
    const token = this.#word();
    const outcome = this.#word();
    const leg = this.#leg();
    const localPort = this.#word();
    handler.dialed(token, outcome, leg, this.#text(this.#word()), localPort);
  }

  #word(): number {
    return this.words[this.#at++] ?? 0;
  }

  #leg(): LegName {
    return { place: this.#word(), generation: this.#word() };
  }

  #text(length: number): string {
    const start = this.#skip(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  #blob(length: number): Uint8Array {
    const start = this.#skip(length);
    return length === 0 ? NO_BYTES : Buffer.from(this.#bytes.subarray(start, start + length));
  }

  /** Where the next `length` bytes start; moves past them and their padding. */
  #skip(length: number): number {
    const start = this.#at * 4;
    this.#at += (length + 3) >>> 2;
    return start;
  }
}

const NO_BYTES = new Uint8Array(0);
