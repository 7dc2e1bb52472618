import { closeSync } from 'node:fs';
import {
  ListenError,
  type Bind,
  type Dial,
  type DialOptions,
  type Leg,
  type Listening,
  type ListenOptions,
  type Address,
  type SpliceOptions,
  type Transport,
  type TunnelCounts,
  type TunnelNumber,
  type Verdict,
} from '../transport.ts';
import { LONG_AWAY_MS, SIGNAL_WAIT_MS } from '../long-away.ts';
import { DialEnd } from '../dial-end.ts';
import { CountPages } from './count-pages.ts';
import { DataPlane } from './data-plane.ts';
import { Dials } from './dials.ts';
import {
  EventReader,
  type AcceptedClient,
  type DialAnswer,
  type EventHandler,
  type RepeatedTunnel,
} from './event-reader.ts';
import { NativeLeg } from './leg.ts';
import { lastWordsTo } from './last-words.ts';
import { Listeners } from './listeners.ts';
import { loadAddon } from './load.ts';
import { PortableSide } from './portable-side.ts';
import { type ShortageListener, toldSeldom } from '../shortages.ts';
import { Tunnels } from './tunnels.ts';
import { Verdicts } from './verdicts.ts';
import type { Addon } from './addon.ts';

export interface NativeOptions {
  /** How many data threads; one a core is best. */
  readonly threads: number;
  /** Another build of the addon than the project's own: a sanitizer's build. */
  readonly addonPath?: string;
  /**
   * Told when clients were refused because descriptors or memory ran out, with the error's name: `EMFILE`, for example. At most once a
   * minute for each error.
   */
  readonly onShortage?: ShortageListener;
}

/** The transport, with its threads running, or the reason why there is none. */
export type NativeTransportOrReason =
  | { readonly kind: 'available'; readonly transport: Transport }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Starts the transport whose bytes are moved by C++ on its own threads (Linux). Ended by `stop`, after which it may start again. */
export function createNativeTransport(options: NativeOptions): NativeTransportOrReason {
  const loaded = loadAddon(options.addonPath);
  if (loaded.kind === 'unavailable') return loaded;
  const { addon } = loaded;
  const transport = new NativeTransport(addon, options);
  const reason = addon.start(options.threads, () => transport.deliverEvents());
  if (reason !== '') return { kind: 'unavailable', reason };
  transport.start();
  return { kind: 'available', transport };
}

/** At least one record of the largest kind, which carries 64 KiB. */
const EVENT_WORDS = 64 * 1024;
const BATCHES_PER_TURN = 8;
/** After so long without work, or without a turn, a signal may be waiting. */
const AWAY_MS = 10;

/** The transport has stopped. */
class NoDial extends DialEnd implements Dial {
  constructor() {
    super();
    this.cancel();
  }

  cancel(): void {
    this.settle({ kind: 'cancelled' });
  }
}

class NativeTransport implements Transport, EventHandler {
  readonly name = 'native';
  readonly #addon: Addon;
  readonly #plane: DataPlane;
  readonly #listeners: Listeners;
  readonly #dials: Dials;
  readonly #tunnels: Tunnels;
  readonly #portable: PortableSide;
  readonly #verdicts: Verdicts;
  readonly #events = new EventReader(EVENT_WORDS);
  readonly #onShortage: (errno: number) => void;
  #deliveredAt = 0;
  #isStopped = false;

  constructor(addon: Addon, { threads, onShortage = () => undefined }: NativeOptions) {
    this.#addon = addon;
    this.#onShortage = toldSeldom(onShortage);
    this.#plane = new DataPlane(addon, threads);
    const counts = new CountPages((page, pairs) => addon.addCounts(page, pairs));
    this.#tunnels = new Tunnels(this.#plane, counts);
    this.#portable = new PortableSide(counts);
    this.#listeners = new Listeners(this.#plane, this.#portable);
    this.#dials = new Dials(this.#plane, this.#tunnels);
    this.#verdicts = new Verdicts(this.#plane, this.#tunnels, counts);
  }

  /** The engine runs. */
  start(): void {
    this.#plane.start();
  }

  listen(bind: Bind, onClient: (client: Leg) => void, options: ListenOptions = {}): Promise<Listening> {
    if (this.#isStopped) return Promise.reject(new ListenError('other', bind, new Error('the transport has stopped')));
    return Promise.resolve().then(() => this.#listeners.open(bind, onClient, options));
  }

  dial(address: Address, options: DialOptions): Dial {
    if (this.#isStopped) return new NoDial();
    const neighbour = options.join?.client ?? options.near;
    // A dial for a portable leg is joined on this thread. And TLS is `node:tls` here as well.
    const isNative = options.secure === undefined && (neighbour === undefined || neighbour instanceof NativeLeg);
    return isNative ? this.#dials.start(address, options) : this.#portable.dial(address, options);
  }

  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber {
    const areNative = client instanceof NativeLeg && upstream instanceof NativeLeg;
    return (areNative ? this.#tunnels : this.#portable).splice(client, upstream, options);
  }

  counts(tunnel: TunnelNumber): TunnelCounts {
    return this.#portable.counts(tunnel) ?? this.#tunnels.readCounts(tunnel);
  }

  remember(verdict: Verdict): boolean {
    return !this.#isStopped && this.#verdicts.remember(verdict);
  }

  forgetVerdicts(): void {
    if (!this.#isStopped) this.#verdicts.forgetAll();
  }

  /** Asks both sides; only the one that has the tunnel acts. */
  cut(tunnel: TunnelNumber): void {
    this.#tunnels.cut(tunnel);
    this.#portable.cut(tunnel);
  }

  stop(): Promise<void> {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#plane.halt();
      this.#hearLastWords();
      this.#plane.stop();
      this.#tunnels.stop();
      this.#verdicts.stop();
      this.#dials.stop();
      this.#listeners.stop();
    }
    return this.#portable.stop();
  }

  /** Uses memory of its own: `stop` may be called by a handler of the present batch. */
  #hearLastWords(): void {
    const events = new EventReader(EVENT_WORDS);
    const handler = lastWordsTo({
      joined: (token, connectedNs) => this.joined(token, connectedNs),
      tunnelEnded: (...ended) => this.tunnelEnded(...ended),
      detached: (_place, _generation, fd) => closeSync(fd),
      repeated: (tunnel) => this.repeated(tunnel),
    });
    for (let count; (count = this.#addon.drain(events.words)) > 0;) events.read(count, handler);
  }

  /** A data thread has reported something. libuv delivers signals after everything else. */
  deliverEvents(): void {
    const awayMs = performance.now() - this.#deliveredAt;
    if (awayMs > LONG_AWAY_MS) setTimeout(() => this.#deliver(), SIGNAL_WAIT_MS);
    else if (awayMs > AWAY_MS) setImmediate(() => this.#deliver());
    else this.#deliver();
  }

  catchUp(): void {
    this.#deliver();
  }

  /** Takes the present events, in turns, so that a flood of events delays nothing else. */
  #deliver(): void {
    this.#deliveredAt = performance.now();
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const count = this.#isStopped ? 0 : this.#addon.drain(this.#events.words);
      if (count === 0) return;
      this.#events.read(count, this);
    }
    setImmediate(() => this.#deliver());
  }

  accepted(client: AcceptedClient): void {
    this.#listeners.accepted(client);
  }

  data(place: number, generation: number, bytes: Uint8Array): void {
    this.#plane.findLeg(place, generation)?.receive(bytes);
  }

  gone(place: number, generation: number, isLost: boolean): void {
    this.#plane.findLeg(place, generation)?.depart(isLost ? 'reset' : 'end', false);
  }

  end(place: number, generation: number): void {
    this.#plane.findLeg(place, generation)?.depart('end', true);
  }

  failed(place: number, generation: number): void {
    this.#plane.findLeg(place, generation)?.depart('reset', true);
  }

  drained(place: number, generation: number): void {
    this.#plane.findLeg(place, generation)?.drain();
  }

  silenced(place: number, generation: number): void {
    this.#plane.findLeg(place, generation)?.silence();
  }

  dialed(answer: DialAnswer): void {
    this.#dials.answered(answer);
  }

  joined(token: number, connectedNs: number): void {
    this.#dials.joined(token, connectedNs);
  }

  tunnelEnded(tunnel: number, end: number, firstByteNs: number, endedNs: number): void {
    this.#tunnels.ended(tunnel, end, firstByteNs, endedNs);
  }

  listenerClosed(listener: number): void {
    this.#listeners.socketClosed(listener);
  }

  shortage(errno: number): void {
    this.#onShortage(-errno);
  }

  turnedAway(listener: number, host: string, port: number): void {
    this.#listeners.turnedAway(listener, { host, port });
  }

  repeated(tunnel: RepeatedTunnel): void {
    this.#verdicts.repeated(tunnel);
  }

  forgotten(verdict: number, wasNoGood: boolean): void {
    this.#verdicts.forgotten(verdict, wasNoGood);
  }

  detached(place: number, generation: number, fd: number): void {
    const leg = this.#plane.findLeg(place, generation);
    // An earlier event has stopped the transport.
    if (leg === undefined) closeSync(fd);
    else leg.detached(fd);
  }
}
