/** A leg on `node:net`: the owner of one socket, from the tick in which it appears to its last descriptor. */
import type { OnReadOpts, Socket } from 'node:net';
import {
  LINGER_MS,
  READ_AHEAD_BYTES,
  TICK_MS,
  TLS_WITHHELD,
  type Address,
  type DeadlineMs,
  type Departure,
  type Leg,
  type ReadResult,
  type TlsState,
} from '../transport.ts';
import { addressOf } from './addresses.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import type { KernelTools } from './kernel-tools.ts';
import type { LiveLegs } from './live-legs.ts';
import { descriptorOf, isConnected, readAtOnce, writeAtOnce } from './node-handle.ts';
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
  /** Undefined where the addon is not here. */
  readonly kernel: KernelTools | undefined;
}

/** Who gets what a spliced leg reads. */
export interface Relay {
  /** Takes bytes out of the shared buffer before it returns; false: no more until `resume`. */
  carry(bytes: Uint8Array): boolean;
  departed(how: Departure): void;
  /** Nothing can be sent to this leg any more; what it had said before is still to come. */
  lost(): void;
  /** The transport stops. */
  stopped(): void;
}

/** How often a leg that is not being read is asked whether it has been reset: nothing else tells. */
export const PROBE_MS = 1_000;

type OpenSocket = (onread: OnReadOpts, onReplaced: (socket: Socket) => void) => Socket;

interface Reader {
  readonly limitBytes: number;
  readonly settle: (result: ReadResult) => void;
  readonly alarm: Alarm;
}

/** Of a peer that was gone before it could be asked for: in no network that anybody trusts. */
const UNKNOWN: Address = { host: '::', port: 0 };
const NOTHING = new Uint8Array(0);

/** See {@link Leg} for what its holder may do; the rest is for the splice that takes it over. */
export class PortableLeg implements Leg {
  remote: Address = UNKNOWN;
  local: Address = UNKNOWN;
  bornAt: DeadlineMs = performance.now();
  original?: Address;
  refusal?: string;
  readonly #resources: LegResources;
  /** Of a client that may speak TLS, the wire until it does. */
  #socket: Socket;
  readonly #secured: Secured | undefined;
  /** TLS was due, and no handshake begun. */
  readonly #isWithheld: boolean;
  /** What the kernel knows of: the socket itself, or what TLS runs over. */
  readonly #wire: Socket;
  /** Read, and not asked for yet. */
  #ahead: ReadAhead | undefined;
  #reader: Reader | undefined;
  #relay: Relay | undefined;
  #departure: Departure | undefined;
  /** A write has failed: how the peer has left, which the kernel tells once. */
  #loss: Departure | undefined;
  #onGone: ((how: Departure) => void) | undefined;
  #onStir: (() => void) | undefined;
  #linger: Alarm | undefined;
  #isLingering = false;
  #keepAliveSeconds = 0;
  #isWindowHeeded = false;
  #lastReadBytes = 0;
  #isPaused = false;
  /** Closed or reset by our side: what still comes is discarded. */
  #isOver = false;

  /** @param open makes the socket; it must read into what it is given, and say where another one takes its place */
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

  /** The listeners stay as long as the socket lives: an `error` event that nobody hears ends the process. */
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

  /** Asks the kernel for both addresses, once, while it still knows them; false: the peer has left with an RST already. */
  nameEnds(): boolean {
    const remote = addressOf(this.#wire.remoteAddress, this.#wire.remotePort);
    const local = addressOf(this.#wire.localAddress, this.#wire.localPort);
    if (remote === undefined || local === undefined) return false;
    this.remote = remote;
    this.local = local;
    return true;
  }

  /** Once, when the connection is there and nothing was read from it: an urgent byte would leave a hole in the stream. */
  keepUrgentInline(): void {
    this.#resources.kernel?.keepUrgentInline(descriptorOf(this.#wire));
  }

  /** Gives the peer up once it has vanished for so long; 0: when the kernel does. */
  watchPeer(seconds: number): void {
    this.#keepAliveSeconds = seconds;
    if (seconds === 0) return;
    const { kernel } = this.#resources;
    if (kernel === undefined) keepAliveAsNodeCan(this.#wire, seconds);
    else kernel.watchPeer(descriptorOf(this.#wire), seconds);
  }

  /** Its peer may have stopped reading: one that lives is not given up for that. To be called now and then while `isHeldBack`, and once after. */
  heedWindow(isHeldBack: boolean): void {
    if ((isHeldBack || this.#isWindowHeeded) && this.#keepAliveSeconds > 0) {
      this.#resources.kernel?.heedWindow(descriptorOf(this.#wire), this.#keepAliveSeconds);
    }
    this.#isWindowHeeded = isHeldBack;
  }

  get tls(): TlsState | undefined {
    return this.#isWithheld ? TLS_WITHHELD : this.#secured?.state;
  }

  read(limitBytes: number, deadline: DeadlineMs): Promise<ReadResult> {
    if (this.#ahead !== undefined) return Promise.resolve(this.takeAhead(limitBytes));
    if (this.#isOver) return Promise.resolve('end');
    if (this.#departure !== undefined) return Promise.resolve(this.#departure);
    if (deadline <= performance.now()) return Promise.resolve('deadline');
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
    // Called behind all that waits, or when the socket is destroyed.
    return new Promise((resolve) => this.#socket.write(NOTHING, () => resolve()));
  }

  close(lastBytes?: Uint8Array): void {
    if (this.#isOver) return;
    if (lastBytes !== undefined) this.write(lastBytes);
    this.#leave('end');
    this.#socket.end();
    const isAllSaid = this.#departure === 'end' && this.#socket.writableLength === 0;
    if (isAllSaid || this.#socket.destroyed) return;
    if (!this.#mayLinger()) {
      this.#socket.destroy();
      return;
    }
    this.#linger = this.#resources.deadlines.at(performance.now() + LINGER_MS, () => this.#socket.destroy());
    this.resume();
  }

  reset(): void {
    if (this.#isOver) return;
    this.#leave('reset');
    this.#resetNow();
  }

  /** Ends with an RST, once the peer has all that was sent to it before, for as long as it takes some of it every {@link LINGER_MS}. */
  resetBehindBytes(): void {
    if (this.#isOver) return;
    const isHeard = this.#loss === undefined && this.#departure !== 'reset' && !this.#socket.destroyed;
    if (!isHeard || !this.#mayLinger()) {
      this.reset();
      return;
    }
    this.#leave('reset');
    this.#resetOnceDelivered(Infinity, performance.now() + LINGER_MS);
  }

  #resetOnceDelivered(leftBytes: number, giveUpAt: DeadlineMs): void {
    const now = performance.now();
    const left = this.#undeliveredBytes(leftBytes);
    const isOver = left === 0 || this.#socket.destroyed;
    const nextGiveUpAt = left < leftBytes ? now + LINGER_MS : giveUpAt;
    if (isOver || now >= nextGiveUpAt) this.#resetNow();
    else this.#linger = this.#resources.deadlines.at(now + TICK_MS, () => this.#resetOnceDelivered(left, nextGiveUpAt));
  }

  /** Without the addon nobody knows what the kernel has not sent yet: it gets the time to the next look. */
  #undeliveredBytes(lastTime: number): number {
    const queued = this.#socket.writableLength;
    const { kernel } = this.#resources;
    if (kernel !== undefined) return queued + kernel.countUnacked(descriptorOf(this.#wire));
    return queued === 0 && lastTime === Infinity ? 1 : queued;
  }

  #resetNow(): void {
    const isShuttingDown = this.#socket.writableEnded && !this.#socket.writableFinished;
    // libuv refuses a reset while a shutdown is under way (EINVAL), and Node then loses the descriptor for good: wait for it.
    if (isShuttingDown && this.#socket.writableLength === 0) {
      this.#socket.once('finish', () => this.#sendReset());
    } else if (!this.#socket.destroyed) this.#sendReset();
  }

  whenGone(listener: (how: Departure) => void): () => void {
    if (this.#departure !== undefined) {
      listener(this.#departure);
      return () => undefined;
    }
    this.#onGone = listener;
    return () => {
      if (this.#onGone === listener) this.#onGone = undefined;
    };
  }

  /** Ends at once, without a word: the transport stops, or the dial is over. */
  stop(): void {
    this.#relay?.stopped();
    this.#leave('end');
    this.#socket.destroy();
  }

  /** From now on `relay` gets what is read; what was read before is to be taken with {@link takeAhead}. */
  joinTo(relay: Relay): void {
    this.#onGone = undefined;
    this.#onStir = undefined;
    this.#relay = relay;
  }

  /** Calls `listener` whenever something of the peer was read ahead, or the leg has ended on either side; undefined: nobody. */
  whenStirred(listener: (() => void) | undefined): void {
    this.#onStir = listener;
  }

  /** What was read ahead, to be looked at, at once. */
  get ahead(): Uint8Array {
    return this.#ahead?.bytes ?? NOTHING;
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#isOver) (this.#ahead ??= new ReadAhead()).prepend(bytes);
  }

  /** Its peer's RST was read before it was this leg's: the kernel will only say that it has ended. */
  noteReset(): void {
    this.#departed('reset');
  }

  /** What was read on behalf of nobody, `limitBytes` of it at most. */
  takeAhead(limitBytes: number): Uint8Array {
    const bytes = this.#ahead?.take(limitBytes) ?? new Uint8Array(0);
    if (this.#ahead?.length === 0) this.#ahead = undefined;
    if (this.#relay === undefined && this.#aheadBytes <= READ_AHEAD_BYTES) this.resume();
    return bytes;
  }

  /** Its holder has it, and it has not left: a tunnel may take it. */
  get isJoinable(): boolean {
    return !this.#isOver && this.#departure === undefined && this.#relay === undefined && this.#onStir === undefined;
  }

  /** Closed or reset by its holder. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get departure(): Departure | undefined {
    return this.#departure;
  }

  /** Hands the kernel what it takes at once, and returns how much. Under TLS nothing: it must never see these bytes as they are. */
  offer(bytes: Uint8Array): number {
    const mustQueue = this.#secured !== undefined || this.#socket.writableLength > 0 || this.#socket.destroyed;
    if (mustQueue) return 0;
    const written = writeAtOnce(this.#socket, bytes);
    if (typeof written === 'number') return written;
    this.#loss = written;
    this.#relay?.lost();
    return 0;
  }

  /** Queues a copy of what the kernel did not take. `settle` is always called, once: did it go? */
  queue(bytes: Uint8Array, settle: (hasGone: boolean) => void): void {
    const { buffers } = this.#resources;
    const copy = buffers.keep(bytes);
    this.#socket.write(copy, (error) => {
      buffers.release(copy.length);
      this.#wasWritten(error);
      // A socket destroyed in mid-write reports no error here.
      settle(error == null && !this.#socket.destroyed);
    });
  }

  /** Passes a FIN on: behind what is queued, with the other direction left open (RFC 9293 §3.6). */
  finish(): void {
    this.#socket.end();
  }

  /** Reads on, after `carry` said stop. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  /**
   * Has it been reset while it was not reading? Only asked of a leg that got no FIN from us: with FINs both ways the kernel keeps the
   * unread bytes but forgets the peer, and that would look the same.
   */
  hasBeenReset(): boolean {
    const isDeaf = this.#isPaused || this.#departure === 'end';
    return isDeaf && !this.#socket.writableEnded && !this.#socket.destroyed && !isConnected(this.#wire);
  }

  /** Node will destroy the socket of a write that failed, and what the peer had said before with it: that is read out first. */
  #wasWritten(error: Error | null | undefined): void {
    if (error == null || this.#isOver || this.#socket.destroyed || this.#departure === 'reset') return;
    this.#loss ??= lossFrom(error) ?? 'reset';
    const how = this.#secured === undefined ? this.#readOut() : 'reset';
    this.#departed(this.#loss === 'reset' ? 'reset' : how);
    this.#relay?.lost();
  }

  /** libuv takes the POLLHUP of an RST right behind the last bytes for an end: the kernel knows better. */
  #howItEnded(): Departure {
    if (this.#loss !== undefined) return this.#loss;
    if (this.#secured !== undefined || isConnected(this.#socket)) return 'end';
    return this.#readOut();
  }

  /** Reads on to the end, though nobody has asked. The kernel's own buffer bounds it. */
  #readOut(): Departure {
    const into = this.#resources.buffers.readOut;
    for (;;) {
      const read = readAtOnce(this.#socket, into);
      if (typeof read !== 'number') return read;
      if (read === 0) return 'end';
      this.#received(into.subarray(0, read));
    }
  }

  #mayLinger(): boolean {
    this.#isLingering = this.#resources.legs.mayLinger();
    return this.#isLingering;
  }

  #sendReset(): void {
    if (this.#secured) this.#secured.reset();
    else this.#socket.resetAndDestroy();
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

  /** Nobody reads, and the read-ahead is full: a client that leaves now, while its name is looked up, must be noticed all the same. */
  #probeWhileFull(): void {
    this.#resources.deadlines.at(performance.now() + PROBE_MS, () => {
      const isHeld = this.#isPaused && this.#relay === undefined && !this.#isOver;
      if (!isHeld || this.#departure !== undefined) return;
      if (this.hasBeenReset()) {
        this.#departed('reset');
        return;
      }
      // What lies before the FIN may still be read.
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
    this.#relay?.departed(how);
    if (!isFirst) return;
    this.#onStir?.();
    this.#answer(how);
    this.#gone(how);
  }

  #gone(how: Departure): void {
    this.#onGone?.(how);
    this.#onGone = undefined;
  }

  /** Our side is through with it, whichever way. */
  #leave(answer: Departure): void {
    this.#isOver = true;
    this.#relay = undefined;
    this.#onGone = undefined;
    this.#ahead = undefined;
    this.#answer(answer);
    this.#onStir?.();
  }

  #closed(): void {
    if (this.#isLingering) this.#resources.legs.lingeringOver();
    this.#resources.deadlines.cancel(this.#linger);
    this.#resources.legs.delete(this);
  }
}
