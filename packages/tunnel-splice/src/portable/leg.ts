/** A leg on `node:net`. It owns one socket from its creation until its descriptor is closed. */
import type { OnReadOpts, Socket } from 'node:net';
import {
  READ_AHEAD_BYTES,
  TLS_WITHHELD,
  type Address,
  type DeadlineMs,
  type Departure,
  type Introduction,
  type Leg,
  type ReadResult,
  type TlsState,
} from '../transport.ts';
import { addressOf } from './addresses.ts';
import { Closing } from './closing.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import type { KernelTools } from './kernel-tools.ts';
import type { LiveLegs } from './live-legs.ts';
import { descriptorOf, isConnected, readAtOnce, untakenBytes, writeAtOnce } from './node-handle.ts';
import { ReadAhead } from './read-ahead.ts';
import { keepAliveAsNodeCan } from './node-socket.ts';
import type { ReadBuffers } from './read-buffers.ts';
import type { Secured } from './secured-wire.ts';
import { lossFrom } from './system-errors.ts';

/** What all legs of a transport share. */
export interface LegResources {
  readonly buffers: ReadBuffers;
  readonly deadlines: Deadlines;
  readonly legs: LiveLegs;
  /** Undefined where there is no addon. */
  readonly kernel: KernelTools | undefined;
}

/** Receives what a spliced leg reads. */
export interface Relay {
  /** Takes the bytes out of the shared buffer before it returns. False: no more bytes until `resume`. */
  carry(bytes: Uint8Array): boolean;
  departed(how: Departure): void;
  /** Nothing can be sent to this leg any more. Bytes it sent before may still be unread. */
  lost(): void;
  /** The transport has stopped. */
  stopped(): void;
}

/** Whose bytes a leg has queued. */
export interface Writer {
  /** Called once for each call of `queue`, and told whether the bytes were sent. */
  written(length: number, hasGone: boolean): void;
  /** Called before the leg is destroyed with bytes still queued: the kernel may have taken some of them. */
  look(): void;
}

/** How often a leg that is not read is checked for an RST: no event reports it then. */
export const PROBE_MS = 1_000;

type OpenSocket = (onread: OnReadOpts, onReplaced: (socket: Socket) => void) => Socket;

interface Reader {
  readonly limitBytes: number;
  readonly settle: (result: ReadResult) => void;
  readonly alarm: Alarm;
}

/** The address of a peer that left before its address was read. No network of the configuration contains it. */
export const UNKNOWN: Address = { host: '::', port: 0 };
const NOTHING = new Uint8Array(0);

/** See {@link Leg} for its holder's calls. The other calls are for the splice that owns it. */
export class PortableLeg implements Leg {
  remote: Address = UNKNOWN;
  local: Address = UNKNOWN;
  bornAt: DeadlineMs = performance.now();
  original?: Address;
  introduction?: Introduction;
  readonly #resources: LegResources;
  /** For a client that may use TLS, this is the TCP socket until TLS begins. */
  #socket: Socket;
  readonly #secured: Secured | undefined;
  /** The listener uses TLS, but starts no handshake with this client. */
  readonly #isWithheld: boolean;
  /** The TCP socket: the socket itself, or the one beneath TLS. */
  readonly #wire: Socket;
  /** Read, but not yet by the holder. */
  #ahead: ReadAhead | undefined;
  #reader: Reader | undefined;
  #relay: Relay | undefined;
  #writer: Writer | undefined;
  /** An RST behind its FIN takes the place of that, for nothing can be sent any more. */
  #departure: Departure | undefined;
  #hasFin = false;
  /** How the peer left, found by a failed write. The kernel reports it once. */
  #loss: Departure | undefined;
  #onGone: ((how: Departure) => void) | undefined;
  #onStir: (() => void) | undefined;
  #keepAliveSeconds = 0;
  #isWindowHeeded = false;
  /** Undefined until our side ends the leg. */
  #closing: Closing | undefined;
  #lastReadBytes = 0;
  #isPaused = false;
  /** Closed or reset by our side. Further bytes are discarded. */
  #isOver = false;

  /** @param open makes the socket. The socket must read into the buffer it is given. `open` reports a socket that takes its place */
  constructor(resources: LegResources, open: OpenSocket, secured?: Secured | 'withheld') {
    this.#resources = resources;
    this.#isWithheld = secured === 'withheld';
    this.#secured = secured === 'withheld' ? undefined : secured;
    const onread: OnReadOpts = {
      buffer: () => this.#nextBuffer(),
      callback: (length, buffer) => this.#received(buffer.subarray(0, length)),
    };
    this.#socket = open(onread, (socket) => {
      this.#socket = socket;
      this.#listenTo(socket);
    });
    this.#wire = this.#secured?.wire ?? this.#socket;
    this.#listenTo(this.#socket);
    resources.legs.add(this);
  }

  /** The listeners stay as long as the socket: an `error` event without a listener ends the process. */
  #listenTo(socket: Socket): void {
    socket.on('error', () => {
      if (socket === this.#socket) this.#departed('reset');
    });
    socket.on('end', () => {
      if (socket === this.#socket) this.#departed(this.#howItEnded());
    });
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed();
    });
  }

  /** Reads both addresses, once, while the kernel still knows them. False: the peer has left with an RST already. */
  nameEnds(): boolean {
    const remote = addressOf(this.#wire.remoteAddress, this.#wire.remotePort);
    const local = addressOf(this.#wire.localAddress, this.#wire.localPort);
    if (remote === undefined || local === undefined) return false;
    this.remote = remote;
    this.local = local;
    return true;
  }

  /** Called once, before anything is read: an urgent byte would be taken out of the stream. */
  keepUrgentInline(): void {
    this.#resources.kernel?.keepUrgentInline(descriptorOf(this.#wire));
  }

  /** Closes the connection once the peer has vanished for so long. */
  watchPeer(seconds: number): void {
    this.#keepAliveSeconds = seconds;
    const { kernel } = this.#resources;
    if (kernel === undefined) keepAliveAsNodeCan(this.#wire, seconds);
    else kernel.watchPeer(descriptorOf(this.#wire), seconds);
  }

  /**
   * A peer that lives and does not read must not be closed by TCP_USER_TIMEOUT. Called now and then while `isHeldBack`, and once after
   * it.
   */
  heedWindow(isHeldBack: boolean): void {
    if ((isHeldBack || this.#isWindowHeeded) && this.#keepAliveSeconds > 0) {
      this.#resources.kernel?.heedWindow(descriptorOf(this.#wire), this.#keepAliveSeconds);
    }
    this.#isWindowHeeded = isHeldBack;
  }

  get tls(): TlsState | undefined {
    return this.#isWithheld ? TLS_WITHHELD : this.#secured?.state;
  }

  read(limitBytes: number, deadline: DeadlineMs): ReadResult | Promise<ReadResult> {
    if (this.#ahead !== undefined) return this.takeAhead(limitBytes);
    if (this.#isOver) return 'end';
    if (this.departure !== undefined) return this.departure;
    if (deadline <= performance.now()) return 'deadline';
    return new Promise((settle) => {
      const alarm = this.#resources.deadlines.at(deadline, () => this.#answer('deadline'));
      this.#reader = { limitBytes, settle, alarm };
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver || this.#departure === 'reset') return;
    this.#secured?.begin();
    this.#socket.write(bytes, (error) => this.#wasWritten(error));
  }

  drained(): Promise<void> {
    if (this.#isOver || this.#socket.writableLength === 0 || !this.#socket.writable) return Promise.resolve();
    // Called once all before it is written, or when the socket is destroyed.
    return new Promise((resolve) => this.#socket.write(NOTHING, () => resolve()));
  }

  close(lastBytes?: Uint8Array): void {
    if (this.#isOver) return;
    if (lastBytes !== undefined) this.write(lastBytes);
    const hasPeerEnded = this.#departure === 'end';
    const onGone = this.#onGone;
    this.#leave('end');
    if (this.#beginClosing().end(hasPeerEnded)) this.resume();
    onGone?.('end');
  }

  reset(): void {
    if (this.#isOver) return;
    const onGone = this.#onGone;
    this.#leave('reset');
    this.#beginClosing().reset();
    onGone?.('reset');
  }

  /** Ends with an RST once the peer has all bytes sent before, or takes them no more. */
  resetBehindBytes(): void {
    if (this.#isOver) return;
    const isHeard = this.#loss === undefined && this.#departure !== 'reset' && !this.#socket.destroyed;
    this.#leave('reset');
    if (isHeard) this.#beginClosing().resetBehindBytes();
    else this.#beginClosing().reset();
  }

  whenGone(listener: (how: Departure) => void): () => void {
    if (this.departure !== undefined) {
      listener(this.departure);
      return () => undefined;
    }
    this.#onGone = listener;
    return () => {
      if (this.#onGone === listener) this.#onGone = undefined;
    };
  }

  lastBytesSent(): Promise<unknown> {
    const socket = this.#socket;
    if (!this.#isOver || !socket.writableEnded || socket.writableFinished || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => socket.once('finish', resolve).once('close', resolve));
  }

  /** Ends at once: the transport stops, or the dial is over. */
  stop(): void {
    this.#relay?.stopped();
    this.#leave('end');
    if (this.#closing === undefined) this.#socket.destroy();
    else this.#closing.stop();
  }

  /** From now on `relay` receives what is read. What was read before is taken with {@link takeAhead}. */
  joinTo(relay: Relay): void {
    this.#onGone = undefined;
    this.#onStir = undefined;
    this.#relay = relay;
  }

  /** Calls `listener` whenever bytes were read ahead, or the leg has ended on either side. Undefined: no listener. */
  whenStirred(listener: (() => void) | undefined): void {
    this.#onStir = listener;
  }

  /** What was read ahead, without a copy. Valid only until the next read. */
  get ahead(): Uint8Array {
    return this.#ahead?.bytes ?? NOTHING;
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#isOver) (this.#ahead ??= new ReadAhead()).prepend(bytes);
  }

  /** How its peer left before the socket became this leg's: the socket will not report that again. */
  noteDeparture(how: Departure): void {
    this.#departed(how);
    if (this.#socket.closed) this.#closed();
  }

  /** Takes what was read ahead, `limitBytes` at most. */
  takeAhead(limitBytes: number): Uint8Array {
    const bytes = this.#ahead?.take(limitBytes) ?? new Uint8Array(0);
    if (this.#ahead?.length === 0) this.#ahead = undefined;
    if (this.#relay === undefined && this.#aheadBytes <= READ_AHEAD_BYTES) this.resume();
    return bytes;
  }

  /** It is its holder's, and the peer has not left: a tunnel may take it. */
  get isJoinable(): boolean {
    return !this.#isOver && this.#departure === undefined && this.#relay === undefined && this.#onStir === undefined;
  }

  /** Closed or reset by its holder. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** How its peer left first: an RST behind its FIN cuts nothing short. */
  get departure(): Departure | undefined {
    return this.#hasFin ? 'end' : this.#departure;
  }

  /** Nothing can be sent to its peer any more. */
  get isLost(): boolean {
    return this.#departure === 'reset';
  }

  /** Gives the kernel what it takes at once, and returns how much. Under TLS nothing, for these bytes are not encrypted. */
  offer(bytes: Uint8Array): number {
    const mustQueue = this.#secured !== undefined || this.#socket.writableLength > 0 || this.#socket.destroyed;
    if (mustQueue) return 0;
    const written = writeAtOnce(this.#socket, bytes);
    if (typeof written === 'number') return written;
    this.#noteLoss(written);
    this.#relay?.lost();
    return 0;
  }

  /** How much of a write the kernel has taken, if nothing else is queued. */
  takenBytesOf(writeLength: number): number {
    return this.#socket.writableLength === writeLength ? Math.max(0, writeLength - untakenBytes(this.#socket)) : 0;
  }

  /** Queues a copy of what the kernel did not take. */
  queue(bytes: Uint8Array, writer: Writer): void {
    const { buffers } = this.#resources;
    const copy = buffers.keep(bytes);
    this.#writer = writer;
    this.#socket.write(copy, (error) => {
      buffers.release(copy.length);
      this.#wasWritten(error);
      // A socket that is destroyed during a write reports no error here.
      writer.written(copy.length, error == null && !this.#socket.destroyed);
    });
  }

  /** Sends FIN behind what is queued, and leaves the other direction open (RFC 9293 §3.6). */
  finish(): void {
    this.#socket.end();
  }

  /** Reads on, after `carry` returned false. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  /**
   * Has it been reset while it was not read? Only for a leg that got no FIN from us: after FINs both ways the kernel keeps the unread
   * bytes but forgets the peer, which looks the same.
   */
  hasBeenReset(): boolean {
    const isDeaf = this.#isPaused || this.#departure === 'end';
    return isDeaf && !this.#socket.writableEnded && !this.#socket.destroyed && !isConnected(this.#wire);
  }

  /** Node.js will destroy a socket whose write failed, with the bytes that the peer sent before. So those are read first. */
  #wasWritten(error: Error | null | undefined): void {
    if (error == null || this.#isOver || this.#socket.destroyed || this.#departure === 'reset') return;
    this.#noteLoss(lossFrom(error) ?? 'reset');
    const how = this.#secured === undefined ? this.#readOut() : 'reset';
    this.#departed(this.#loss === 'reset' ? 'reset' : how);
    this.#relay?.lost();
  }

  /** Only the first of two failed writes is told of an RST, and Node.js tells us of its own writes later. */
  #noteLoss(how: Departure): void {
    if (this.#loss !== 'reset') this.#loss = how;
  }

  /** libuv takes the POLLHUP of an RST behind the last bytes for a plain end. The kernel reports the RST. */
  #howItEnded(): Departure {
    if (this.#loss !== undefined) return this.#loss;
    if (isConnected(this.#wire)) return 'end';
    if (this.#secured === undefined) return this.#readOut();
    // TLS has read all that it will read: bytes that are left here are cut off.
    return readAtOnce(this.#wire, this.#resources.buffers.readOut) === 'end' ? 'end' : 'reset';
  }

  /** Reads to the end, before the holder asks. The kernel's own buffer bounds the amount. */
  #readOut(): Departure {
    const into = this.#resources.buffers.readOut;
    for (;;) {
      const read = readAtOnce(this.#socket, into);
      if (typeof read !== 'number') return read;
      if (read === 0) return 'end';
      this.#received(into.subarray(0, read));
    }
  }

  get #aheadBytes(): number {
    return this.#ahead?.length ?? 0;
  }

  #nextBuffer(): Uint8Array {
    const { buffers } = this.#resources;
    return this.#relay === undefined ? buffers.held : buffers.after(this.#lastReadBytes);
  }

  #received(bytes: Uint8Array): boolean {
    this.#lastReadBytes = bytes.length;
    const readsOn = this.#isOver || (this.#relay === undefined ? this.#keep(bytes) : this.#relay.carry(bytes));
    this.#isPaused = !readsOn;
    this.#onStir?.();
    return !this.#isPaused;
  }

  #keep(bytes: Uint8Array): boolean {
    const limitBytes = this.#reader?.limitBytes ?? 0;
    if (limitBytes > 0) this.#answer(bytes.slice(0, limitBytes));
    if (bytes.length > limitBytes) (this.#ahead ??= new ReadAhead()).append(bytes.subarray(limitBytes));
    if (this.#aheadBytes <= READ_AHEAD_BYTES) return true;
    this.#probeWhileFull();
    return false;
  }

  /** Reading is paused because the read-ahead is full. A client that leaves during its look-up must still be noticed. */
  #probeWhileFull(): void {
    this.#resources.deadlines.at(performance.now() + PROBE_MS, () => {
      const isHeld = this.#isPaused && this.#relay === undefined && !this.#isOver;
      if (!isHeld || this.#departure !== undefined) return;
      if (this.hasBeenReset()) {
        this.#departed('reset');
        return;
      }
      // Bytes before the FIN can still be read.
      if (this.#resources.kernel?.hasFin(descriptorOf(this.#wire)) === 1) this.#gone('end');
      this.#probeWhileFull();
    });
  }

  #answer(result: ReadResult): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#resources.deadlines.cancel(reader?.alarm);
    reader?.settle(result);
  }

  #departed(how: Departure): void {
    if (this.#departure === 'reset') return;
    const isFirst = this.#departure === undefined;
    this.#departure = how;
    if (how === 'end') this.#hasFin = true;
    this.#relay?.departed(how);
    if (!isFirst) return;
    this.#onStir?.();
    this.#answer(how);
    this.#gone(how);
  }

  #gone(how: Departure): void {
    const onGone = this.#onGone;
    this.#onGone = undefined;
    onGone?.(how);
  }

  /** Our side has ended the leg, in one way or another. */
  #leave(answer: Departure): void {
    this.#isOver = true;
    this.#relay = undefined;
    this.#onGone = undefined;
    this.#ahead = undefined;
    this.#answer(answer);
    this.#onStir?.();
  }

  #beginClosing(): Closing {
    const secured = this.#secured;
    const beforeDestroyed = (): void => this.#writer?.look();
    return (this.#closing = new Closing({
      ...this.#resources,
      secured,
      socketOf: () => this.#socket,
      beforeDestroyed,
    }));
  }

  #closed(): void {
    this.#closing?.over();
    this.#resources.legs.delete(this);
  }
}
