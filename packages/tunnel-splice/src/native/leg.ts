import type { HandedOver as Connection } from '../portable/accepted-leg.ts';
import type { Address, DeadlineMs, Departure, Introduction, Leg, ReadResult, TlsState } from '../transport.ts';
import type { ReadDeadlines } from './read-deadlines.ts';
import type { CommandWriter } from './command-writer.ts';
import type { Promised, ReturnPath } from './promised.ts';
import { COMMAND, threadOf, type Command, type LegName } from './wire.ts';

/** What a leg needs of the transport it belongs to. */
export interface LegHome {
  readonly deadlines: ReadDeadlines;
  begin(thread: number, kind: Command, blobBytes?: number): CommandWriter;
  /** Called once a leg. */
  forget(leg: NativeLeg): void;
}

/** Credit is returned in portions, so that many small reads do not cause many commands. */
const GRANT_BYTES = 16 * 1024;

const NO_LISTENER = (): void => undefined;
const NO_BYTES = new Uint8Array(0);
/** Stands for every leg's unread pieces while there are none, and is never written to. */
const NO_PIECES: Uint8Array[] = [];

/** Pieces below this size are joined: an array that holds one byte takes a hundred. */
const GATHERED_BYTES = 2048;

/**
 * The unread pieces with one more behind them. A small piece is joined with those before it that are no larger. So a byte is copied a
 * logarithmic number of times, and a client that sends 64 KiB byte by byte holds some forty pieces.
 */
function withPiece(unread: Uint8Array[], bytes: Uint8Array): Uint8Array[] {
  // Room for this one alone, and not for the seventeen that an array grows to: most clients are read as soon as they have sent something.
  if (unread.length === 0) return [bytes];
  let piece = bytes;
  for (let before = unread.at(-1); before !== undefined && piece.length < GATHERED_BYTES; before = unread.at(-1)) {
    if (before.length > piece.length) break;
    unread.pop();
    const gathered = new Uint8Array(before.length + piece.length);
    gathered.set(before);
    gathered.set(piece, before.length);
    piece = gathered;
  }
  unread.push(piece);
  return unread;
}

/** A leg's two addresses, and when it was made. */
type Ends = Pick<Leg, 'remote' | 'local' | 'bornAt'>;

/** What a leg that is handed over held: the unread pieces, which go with it, and how many bytes it had received in all. */
interface HandedOver {
  readonly unread: readonly Uint8Array[];
  readonly receivedBytes: number;
}

/**
 * This thread's end of a connection whose socket belongs to a data thread. Bytes are sent here before they are asked for, within a credit
 * of `READ_AHEAD_BYTES`, and wait to be read. So a read that finds some crosses no thread.
 */
export class NativeLeg implements Leg, LegName {
  readonly place: number;
  readonly generation: number;
  remote: Address;
  local: Address;
  introduction?: Introduction;
  readonly bornAt: DeadlineMs;
  /** Set at an intercepting listener, before the leg is handed out. */
  original?: Address;
  /** The number of the listener that has accepted it, for a client: that of its first socket, by whichever it came. */
  listener = 0;
  /** Set before the leg is handed out, where the listener uses TLS but allowed no handshake. Legs with TLS are portable ones. */
  tls?: TlsState;
  readonly #home: LegHome;
  /** The tunnel that it will be joined to by the first of its dials that connects. */
  promised: Promised | undefined;
  #isReleased = false;
  #isRetired = false;
  /** Read ahead and not yet returned. */
  #unread = NO_PIECES;
  /** How the peer left, once no byte will come behind the unread ones. */
  #last: Departure | undefined;
  #departure: Departure | undefined;
  #onGone = NO_LISTENER as (how: Departure) => void;
  #reader: ((result: ReadResult) => void) | undefined;
  #readLimitBytes = 0;
  /** The deadline of the read under way. */
  deadline: DeadlineMs = Infinity;
  /** The number of that deadline in {@link ReadDeadlines}; -1 for none. */
  #deadlineSlot = -1;
  #toGrant = 0;
  #hasWritten = false;
  #onDrained = NO_LISTENER;
  /** Bytes received from the data thread, modulo 2^32. At a splice it tells the data thread which bytes are still on their way here. */
  #receivedBytes = 0;
  /** It sent nothing in its time. */
  #isSilenced = false;
  /** For a leg that is being detached: receives the connection from the data thread. */
  #onDetached: ((connection: Connection | undefined) => void) | undefined;
  /** For a leg that is spliced, or promised to be: where bytes go that were on their way here. */
  #tunnel: ReturnPath | undefined;

  constructor(home: LegHome, { place, generation }: LegName, { remote, local, bornAt }: Ends) {
    this.#home = home;
    this.place = place;
    this.generation = generation;
    this.remote = remote;
    this.local = local;
    this.bornAt = bornAt;
  }

  /** Closed, or given to a tunnel: its holder can no longer use it. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  get isSilenced(): boolean {
    return this.#isSilenced;
  }

  read(limitBytes: number, deadline: DeadlineMs): ReadResult | Promise<ReadResult> {
    const result = this.#next(limitBytes);
    if (result !== undefined) return result;
    if (deadline <= performance.now()) return 'deadline';
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#readLimitBytes = limitBytes;
      this.deadline = deadline;
      if (deadline !== Infinity) this.#deadlineSlot = this.#home.deadlines.add(this);
    });
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#isReleased) this.#unread = [bytes, ...this.#unread];
  }

  write(bytes: Uint8Array): void {
    if (this.#isReleased || bytes.length === 0) return;
    this.#hasWritten = true;
    this.#begin(COMMAND.write, bytes.length).word(bytes.length).bytes(bytes).end();
  }

  drained(): Promise<void> {
    if (this.#isReleased || !this.#hasWritten) return Promise.resolve();
    this.#hasWritten = false;
    this.#begin(COMMAND.awaitDrain).end();
    return new Promise((resolve) => (this.#onDrained = resolve));
  }

  close(lastBytes: Uint8Array = NO_BYTES): void {
    const onGone = this.#onGone;
    if (!this.#release()) return;
    this.#begin(COMMAND.close, lastBytes.length).word(lastBytes.length).bytes(lastBytes).end();
    this.#ended('end', onGone);
  }

  reset(): void {
    const onGone = this.#onGone;
    if (!this.#release()) return;
    this.#begin(COMMAND.reset).end();
    this.#ended('reset', onGone);
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
    this.#unread = withPiece(this.#unread, bytes);
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

  /** What was written has been sent, or can never be. */
  drain(): void {
    this.#onDrained();
    this.#onDrained = NO_LISTENER;
  }

  /** It sent nothing in its time, and its data thread has closed it. */
  silence(): void {
    this.#isSilenced = true;
    this.#answer('deadline');
    // A connection that is closed cannot be detached any more.
    if (this.#onDetached !== undefined) this.#endDetaching(undefined);
  }

  /** The deadline of the read under way has passed. */
  expire(): void {
    this.#answer('deadline');
  }

  /**
   * Gives the leg to a tunnel. A leg that was closed before is given too, and its data thread ends the tunnel.
   * @param path gets the bytes that were on their way here
   */
  handOver(path: ReturnPath): HandedOver {
    this.#withdraw();
    this.leave();
    return this.#takeUnread(path);
  }

  /** It will be joined by the dial that connects first. Until then its holder may still end it, and is told when it leaves. */
  promise(promised: Promised): HandedOver {
    this.promised = promised;
    promised.takes(this.#unread);
    return this.#takeUnread(promised);
  }

  /** As `promise`, but the leg keeps unread bytes, and receives further ones. */
  promiseGuarded(promised: Promised): HandedOver {
    this.promised = promised;
    const readBytes = this.#unread.reduce((bytes, { length }) => bytes - length, this.#receivedBytes) >>> 0;
    return { unread: NO_PIECES, receivedBytes: readBytes };
  }

  /** It is its holder's again, with the bytes that its promise had taken. */
  handBack(taken: readonly Uint8Array[]): void {
    this.promised = undefined;
    this.#tunnel = undefined;
    if (taken.length > 0) this.#unread = [...taken, ...this.#unread];
  }

  /** From here on it belongs to a tunnel. Where that was promised, nothing more of it comes here. */
  leave(): void {
    this.#isReleased = true;
    this.#onGone = NO_LISTENER;
    this.drain();
    if (this.promised !== undefined) this.retire();
  }

  /**
   * Takes the connection from its data thread, once the kernel has all that was written. This call ends the leg. `onDetached` then owns
   * the descriptor. It gets none if the leg was closed before, is silent for too long or the transport stops first.
   */
  detach(onDetached: (connection: Connection | undefined) => void): void {
    if (this.#isReleased || this.#isSilenced) {
      this.#release();
      onDetached(undefined);
      return;
    }
    this.#withdraw();
    const drained = this.drained();
    this.#isReleased = true;
    this.#onGone = NO_LISTENER;
    this.#onDetached = onDetached;
    void drained.then(() => this.#begin(COMMAND.detach).end());
  }

  /** Its data thread has released `fd`. All that it had read came before. */
  detached(fd: number): void {
    const { remote, local, bornAt, original, introduction } = this;
    const unread = Buffer.concat(this.#unread);
    const isReset = this.#departure === 'reset';
    this.#endDetaching({ fd, remote, local, bornAt, original, introduction, unread, isReset });
  }

  /** Nothing more is delivered to it: it was closed here, or its tunnel is over. Idempotent. */
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
    this.#onDetached?.(undefined);
  }

  /** False if it was done already. */
  #release(): boolean {
    if (this.#isReleased) return false;
    this.#isReleased = true;
    this.#onGone = NO_LISTENER;
    this.#unread = NO_PIECES;
    this.drain();
    this.retire();
    this.promised?.settle();
    return true;
  }

  /** Tells who waits for the leg that our side has ended it. A departure of the peer was told before. */
  #ended(how: Departure, onGone: (how: Departure) => void): void {
    this.#answer(how);
    if (this.#departure === undefined) onGone(how);
  }

  /** The tunnel that was promised is not made. */
  #withdraw(): void {
    if (this.promised !== undefined) this.handBack(this.promised.withdrawn());
  }

  #endDetaching(connection: Connection | undefined): void {
    this.retire();
    this.#onDetached?.(connection);
    this.#onDetached = undefined;
  }

  #takeUnread(path: ReturnPath): HandedOver {
    this.#tunnel = path;
    const unread = this.#unread;
    this.#unread = NO_PIECES;
    return { unread, receivedBytes: this.#receivedBytes };
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
    if (this.#deadlineSlot >= 0) this.#home.deadlines.forget(this.#deadlineSlot);
    this.#deadlineSlot = -1;
    reader(result);
  }

  /** What a read can return at once. */
  #next(limitBytes: number): ReadResult | undefined {
    const first = this.#unread[0];
    if (first === undefined && this.#isSilenced) return 'deadline';
    if (first === undefined) return this.#isReleased ? 'end' : this.#last;
    const isWhole = first.length <= limitBytes;
    const bytes = isWhole ? first : first.subarray(0, limitBytes);
    if (!isWhole) this.#unread[0] = first.subarray(limitBytes);
    else if (this.#unread.length > 1) this.#unread.shift();
    else this.#unread = NO_PIECES;
    this.#grant(bytes.length);
    return bytes;
  }

  #grant(bytes: number): void {
    this.#toGrant += bytes;
    if (this.#toGrant < GRANT_BYTES || this.#last !== undefined) return;
    this.#begin(COMMAND.grant).word(this.#toGrant).end();
    this.#toGrant = 0;
  }

  #begin(kind: Command, blobBytes?: number): CommandWriter {
    return this.#home.begin(threadOf(this), kind, blobBytes).word(this.place).word(this.generation);
  }
}
