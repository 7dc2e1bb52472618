import type { Address, DeadlineMs, Departure, Leg, ReadResult } from '../transport.ts';
import type { ReadDeadlines } from './read-deadlines.ts';
import { COMMAND, threadOf, type Command, type LegName } from './wire.ts';

/** What a leg needs of the transport it belongs to. */
export interface LegHome {
  readonly deadlines: ReadDeadlines;
  send(thread: number, kind: Command, args: readonly number[], blobs?: readonly Uint8Array[]): void;
  /** Called once a leg. */
  forget(leg: NativeLeg): void;
}

/** Where a spliced leg sends bytes that were on their way here. */
export interface ReturnPath {
  sendBack(from: NativeLeg, bytes: Uint8Array): void;
}

/** Credit is given back in portions, so that a trickle of bytes does not become a trickle of commands. */
const GRANT_BYTES = 16 * 1024;

const NO_LISTENER = (): void => undefined;

/**
 * This thread's end of a connection whose socket lives on a data thread. Bytes come unasked, within a credit of
 * `READ_AHEAD_BYTES`, and wait here to be read; so a read that finds some crosses no thread.
 */
export class NativeLeg implements Leg, LegName {
  readonly place: number;
  readonly generation: number;
  readonly remote: Address;
  readonly local: Address;
  /** Set at an intercepting listener, before anybody sees the leg. */
  original?: Address;
  readonly #home: LegHome;
  /** Closed, or given to a tunnel: its holder has no more say. */
  #isReleased = false;
  #isRetired = false;
  /** What was read ahead and not yet handed out. */
  #unread: Uint8Array[] = [];
  /** Nothing comes after what is unread. */
  #last: Departure | undefined;
  #departure: Departure | undefined;
  #onGone = NO_LISTENER as (how: Departure) => void;
  #reader: ((result: ReadResult) => void) | undefined;
  #readLimitBytes = 0;
  /** Of the read under way. */
  deadline: DeadlineMs = Infinity;
  #toGrant = 0;
  #hasWritten = false;
  #onDrained = NO_LISTENER;
  /** Bytes that came from the data thread, modulo 2^32: it knows by this which are still on their way at a splice. */
  #receivedBytes = 0;
  /** Once spliced: where bytes go that were on their way here. */
  #tunnel: ReturnPath | undefined;

  constructor(home: LegHome, name: LegName, remote: Address, local: Address) {
    this.#home = home;
    this.place = name.place;
    this.generation = name.generation;
    this.remote = remote;
    this.local = local;
  }

  read(limitBytes: number, deadline: DeadlineMs): Promise<ReadResult> {
    const result = this.#next(limitBytes) ?? (deadline <= performance.now() ? 'deadline' : undefined);
    if (result !== undefined) return Promise.resolve(result);
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#readLimitBytes = limitBytes;
      this.deadline = deadline;
      if (deadline !== Infinity) this.#home.deadlines.add(this);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#isReleased || bytes.length === 0) return;
    this.#hasWritten = true;
    this.#send(COMMAND.write, [bytes.length], [bytes]);
  }

  drained(): Promise<void> {
    if (this.#isReleased || !this.#hasWritten) return Promise.resolve();
    this.#hasWritten = false;
    this.#send(COMMAND.awaitDrain, []);
    return new Promise((resolve) => (this.#onDrained = resolve));
  }

  close(lastBytes: Uint8Array = new Uint8Array(0)): void {
    if (!this.#release()) return;
    this.#send(COMMAND.close, [lastBytes.length], [lastBytes]);
    this.#answer('end');
  }

  reset(): void {
    if (!this.#release()) return;
    this.#send(COMMAND.reset, []);
    this.#answer('reset');
  }

  whenGone(listener: (how: Departure) => void): () => void {
    if (this.#departure !== undefined) {
      listener(this.#departure);
      return NO_LISTENER;
    }
    this.#onGone = listener;
    return () => {
      if (this.#onGone === listener) this.#onGone = NO_LISTENER;
    };
  }

  /** Bytes from the data thread. */
  receive(bytes: Uint8Array): void {
    this.#receivedBytes = (this.#receivedBytes + bytes.length) >>> 0;
    if (this.#tunnel !== undefined) {
      this.#tunnel.sendBack(this, bytes);
      return;
    }
    this.#unread.push(bytes);
    this.#serveReader();
  }

  /** The peer has left. After `isLast` no byte comes any more. */
  depart(how: Departure, isLast: boolean): void {
    if (isLast) this.#last = how;
    const isNews = this.#departure === undefined;
    this.#departure = how;
    this.#serveReader();
    if (isNews) this.#onGone(how);
  }

  /** What was written has gone, or can't any more. */
  drain(): void {
    this.#onDrained();
    this.#onDrained = NO_LISTENER;
  }

  /** The deadline of the read under way has passed. */
  expire(): void {
    this.#answer('deadline');
  }

  /**
   * Gives the leg to a tunnel. A leg that was closed before is given all the same, and its data thread ends the tunnel.
   * @param tunnel gets the bytes that were on their way here
   * @returns what nobody has read, and how much came in all
   */
  handOver(tunnel: ReturnPath): { readonly unread: readonly Uint8Array[]; readonly receivedBytes: number } {
    this.#isReleased = true;
    this.#onGone = NO_LISTENER;
    this.drain();
    this.#tunnel = tunnel;
    const unread = this.#unread;
    this.#unread = [];
    return { unread, receivedBytes: this.#receivedBytes };
  }

  /** Nothing more is to be delivered to it: closed here, or its tunnel is over. Idempotent. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#home.forget(this);
  }

  /** The transport has stopped: the socket is gone. */
  abandon(): void {
    this.#isReleased = true;
    this.drain();
    this.#answer('end');
  }

  /** False if it was done already. */
  #release(): boolean {
    if (this.#isReleased) return false;
    this.#isReleased = true;
    this.#onGone = NO_LISTENER;
    this.#unread = [];
    this.drain();
    this.retire();
    return true;
  }

  #serveReader(): void {
    if (this.#reader === undefined) return;
    const result = this.#next(this.#readLimitBytes);
    if (result !== undefined) this.#answer(result);
  }

  #answer(result: ReadResult): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    this.#home.deadlines.delete(this);
    reader(result);
  }

  /** What a read can have at once. */
  #next(limitBytes: number): ReadResult | undefined {
    const first = this.#unread[0];
    if (first === undefined) return this.#isReleased ? 'end' : this.#last;
    const bytes = first.subarray(0, limitBytes);
    if (bytes.length === first.length) this.#unread.shift();
    else this.#unread[0] = first.subarray(limitBytes);
    this.#grant(bytes.length);
    return bytes;
  }

  #grant(bytes: number): void {
    this.#toGrant += bytes;
    if (this.#toGrant < GRANT_BYTES || this.#last !== undefined) return;
    this.#send(COMMAND.grant, [this.#toGrant]);
    this.#toGrant = 0;
  }

  #send(kind: Command, args: readonly number[], blobs?: readonly Uint8Array[]): void {
    this.#home.send(threadOf(this), kind, [this.place, this.generation, ...args], blobs);
  }
}
