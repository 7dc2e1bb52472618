import { EVENT } from './wire.ts';

/** The events of the data threads, in the order in which they happened on each thread. A leg is named by `place` and `generation`. */
export interface EventHandler {
  accepted(client: AcceptedClient): void;
  data(place: number, generation: number, bytes: Uint8Array): void;
  /** The peer's FIN has come, or the connection is lost. Bytes may still be unread before it. */
  gone(place: number, generation: number, isLost: boolean): void;
  end(place: number, generation: number): void;
  failed(place: number, generation: number): void;
  /** All that was written to the leg has been sent. */
  drained(place: number, generation: number): void;
  /** A client that sent nothing in its time is closed. */
  silenced(place: number, generation: number): void;
  dialed(answer: DialAnswer): void;
  /** @param connectedNs on the kernel's monotonic clock, as all times here */
  joined(token: number, connectedNs: number): void;
  /** @param firstByteNs 0 if none came */
  tunnelEnded(tunnel: number, end: number, firstByteNs: number, endedNs: number): void;
  listenerClosed(listener: number): void;
  /** @param errno the shortage for which clients were refused */
  shortage(errno: number): void;
  /** The data thread has released `fd`, after all that it had read from the leg. */
  detached(place: number, generation: number, fd: number): void;
  repeated(tunnel: RepeatedTunnel): void;
  /** No tunnel will be made by it any more. */
  forgotten(verdict: number, wasNoGood: boolean): void;
  /** A client was closed as it came, for want of a descriptor. */
  turnedAway(listener: number, remoteHost: string, remotePort: number): void;
}

/** A tunnel that is up by a verdict. Valid only during the call: one object serves all of them. */
export interface RepeatedTunnel {
  verdict: number;
  tunnel: number;
  /** Its client's leg. */
  place: number;
  generation: number;
  remotePort: number;
  acceptedNs: number;
  dialledNs: number;
  connectedNs: number;
  nonce: Uint8Array;
}

export interface AcceptedClient {
  readonly place: number;
  readonly generation: number;
  readonly listener: number;
  readonly acceptedMsAgo: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Empty: the listener's own address. */
  readonly localHost: string;
  readonly localPort: number;
  /** Where it was going before it was redirected. Empty: no redirection is known. */
  readonly originalHost: string;
  readonly originalPort: number;
  /** What the client has sent already. */
  readonly bytes: Uint8Array;
}

/** The leg and its local address are valid only where the outcome is `connected`. */
export interface DialAnswer {
  readonly token: number;
  readonly outcome: number;
  readonly place: number;
  readonly generation: number;
  readonly localHost: string;
  readonly localPort: number;
}

const NO_BYTES = new Uint8Array(0);

/** Reads the records of one batch. Bytes are copied, for the batch's memory is used again. */
export class EventReader {
  readonly words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #repeated: RepeatedTunnel = {
    verdict: 0,
    tunnel: 0,
    place: 0,
    generation: 0,
    remotePort: 0,
    acceptedNs: 0,
    dialledNs: 0,
    connectedNs: 0,
    nonce: NO_BYTES,
  };
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
        handler.data(this.#word(), this.#word(), this.#blob(this.#word()));
        break;
      case EVENT.gone:
        handler.gone(this.#word(), this.#word(), this.#word() !== 0);
        break;
      case EVENT.end:
        handler.end(this.#word(), this.#word());
        break;
      case EVENT.failed:
        handler.failed(this.#word(), this.#word());
        break;
      case EVENT.dialed:
        handler.dialed(this.#dialAnswer());
        break;
      case EVENT.joined:
        handler.joined(this.#word(), this.#longWord());
        break;
      case EVENT.tunnelEnded:
        handler.tunnelEnded(this.#word(), this.#word(), this.#longWord(), this.#longWord());
        break;
      case EVENT.listenerClosed:
        handler.listenerClosed(this.#word());
        break;
      case EVENT.drained:
        handler.drained(this.#word(), this.#word());
        break;
      case EVENT.silenced:
        handler.silenced(this.#word(), this.#word());
        break;
      case EVENT.shortage:
        handler.shortage(this.#word());
        break;
      case EVENT.detached:
        handler.detached(this.#word(), this.#word(), this.#word());
        break;
      case EVENT.repeated:
        handler.repeated(this.#repeatedTunnel());
        break;
      case EVENT.forgotten:
        handler.forgotten(this.#word(), this.#word() !== 0);
        break;
      case EVENT.turnedAway:
        this.#turnedAway(handler);
        break;
    }
  }

  #turnedAway(handler: EventHandler): void {
    const [listener, port, length] = [this.#word(), this.#word(), this.#word()];
    handler.turnedAway(listener, this.#text(length), port);
  }

  #acceptedClient(): AcceptedClient {
    const place = this.#word();
    const generation = this.#word();
    const listener = this.#word();
    const acceptedMsAgo = this.#word();
    const remotePort = this.#word();
    const localPort = this.#word();
    const originalPort = this.#word();
    const remoteLength = this.#word();
    const localLength = this.#word();
    const originalLength = this.#word();
    const byteLength = this.#word();
    return {
      place,
      generation,
      listener,
      acceptedMsAgo,
      remotePort,
      localPort,
      originalPort,
      remoteHost: this.#text(remoteLength),
      localHost: this.#text(localLength),
      originalHost: this.#text(originalLength),
      bytes: this.#blob(byteLength),
    };
  }

  #repeatedTunnel(): RepeatedTunnel {
    const repeated = this.#repeated;
    repeated.verdict = this.#word();
    repeated.tunnel = this.#word();
    repeated.place = this.#word();
    repeated.generation = this.#word();
    repeated.remotePort = this.#word();
    repeated.acceptedNs = this.#longWord();
    repeated.dialledNs = this.#longWord();
    repeated.connectedNs = this.#longWord();
    const length = this.#word();
    const start = this.#skip(length);
    repeated.nonce = length === 0 ? NO_BYTES : this.#bytes.subarray(start, start + length);
    return repeated;
  }

  #dialAnswer(): DialAnswer {
    const token = this.#word();
    const outcome = this.#word();
    const place = this.#word();
    const generation = this.#word();
    const localPort = this.#word();
    return { token, outcome, place, generation, localPort, localHost: this.#text(this.#word()) };
  }

  #word(): number {
    return this.words[this.#at++] ?? 0;
  }

  #longWord(): number {
    return this.#word() * 0x1_0000_0000 + this.#word();
  }

  #text(length: number): string {
    const start = this.#skip(length);
    return length === 0 ? '' : this.#bytes.toString('latin1', start, start + length);
  }

  #blob(length: number): Uint8Array {
    const start = this.#skip(length);
    if (length === 0) return NO_BYTES;
    const blob = Buffer.allocUnsafe(length);
    this.#bytes.copy(blob, 0, start, start + length);
    return blob;
  }

  /** Returns where the next `length` bytes start, and moves past them and their padding. */
  #skip(length: number): number {
    const start = this.#at * 4;
    this.#at += (length + 3) >>> 2;
    return start;
  }
}
