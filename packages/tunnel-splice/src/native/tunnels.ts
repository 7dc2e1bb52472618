import type {
  Beginning,
  DeadlineMs,
  JoinPlan,
  Leg,
  SpliceOptions,
  TunnelCounts,
  TunnelEnd,
  TunnelKeeper,
  TunnelNumber,
} from '../transport.ts';
import type { CountPages } from './count-pages.ts';
import type { DataPlane } from './data-plane.ts';
import { wholeSeconds } from '../keep-alive.ts';
import { NativeLeg } from './leg.ts';
import { Promised, type PromiseHome, type ReturnPath } from './promised.ts';
import { COMMAND, threadOf, toSpan, TUNNEL_ENDS, type LegName } from './wire.ts';

const UP = 0;
const DOWN = 1;
const EMPTY = new Uint8Array(0);
const NO_BEGINNING = 0;

/**
 * The tunnels that the data threads relay, by number. They are kept in columns, not as objects: there may be many, and most of them idle.
 */
export class Tunnels implements PromiseHome {
  readonly #plane: DataPlane;
  readonly #counts: CountPages;
  readonly #keepers: (TunnelKeeper | undefined)[] = [];
  /** The client's leg, which names the tunnel to its data thread. */
  readonly #places: number[] = [];
  readonly #generations: number[] = [];
  /** The legs that this thread has spliced: bytes that were on their way here must be sent back. */
  readonly #spliced = new Map<TunnelNumber, SplicedLegs>();
  /** Those that the data threads know, which number them from 1 on. */
  readonly #beginnings: Beginning[] = [];

  /** @param counts also gives the numbers, and may give some of them to others */
  constructor(plane: DataPlane, counts: CountPages) {
    this.#plane = plane;
    this.#counts = counts;
  }

  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber {
    const legs = new SplicedLegs(this.#plane, native(client), native(upstream));
    const tunnel = this.#counts.take();
    this.#spliced.set(tunnel, legs);
    this.isUp(tunnel, legs.client, options.keeper);
    this.#sendSplice(tunnel, legs, options);
    return tunnel;
  }

  /**
   * Tells the data thread what to do as soon as a dial for this client connects. Once, however many dials there are.
   * @param isAsking the dial awaits an answer first: the client keeps what was not read yet, as with a guard
   */
  promise(plan: JoinPlan, isAsking: boolean): Promised {
    const client = native(plan.client);
    const promised = client.promised ?? this.#promise(client, plan, isAsking);
    promised.dials += 1;
    return promised;
  }

  readCounts(tunnel: TunnelNumber): TunnelCounts {
    return this.#counts.read(tunnel);
  }

  /** Sent at once: the cut must be the first cause. */
  cut(tunnel: TunnelNumber): void {
    const place = this.#places[tunnel];
    const generation = this.#generations[tunnel];
    if (this.#keepers[tunnel] === undefined || place === undefined || generation === undefined) return;
    this.#plane.begin(threadOf({ place }), COMMAND.cut).word(place).word(generation).end();
    this.#plane.flush();
  }

  /** A data thread's last event of a tunnel. */
  ended(tunnel: TunnelNumber, end: number, firstByteNs: number, endedNs: number): void {
    const firstByteAt = firstByteNs === 0 ? undefined : this.#plane.toDeadline(firstByteNs);
    this.#finish(tunnel, TUNNEL_ENDS[end] ?? 'lifetime', this.#plane.toDeadline(endedNs), firstByteAt);
  }

  /** The threads have ended, and the sockets are closed. Ends that they knew of were reported before. */
  stop(): void {
    for (const tunnel of this.#keepers.keys()) this.#finish(tunnel, 'lifetime', performance.now());
  }

  isUp(tunnel: TunnelNumber, { place, generation }: LegName, keeper: TunnelKeeper): void {
    this.#keepers[tunnel] = keeper;
    this.#places[tunnel] = place;
    this.#generations[tunnel] = generation;
    this.#plane.opened();
  }

  giveBack(tunnel: TunnelNumber): void {
    this.#counts.giveBack(tunnel);
  }

  sendBackUp(client: LegName, bytes: Uint8Array): void {
    sendBack(this.#plane, client, { client, direction: UP, bytes });
  }

  #promise(client: NativeLeg, plan: JoinPlan, isAsking: boolean): Promised {
    const promised = new Promised(this, this.#counts.take(), client, plan);
    const { clientBytes, reply, guard } = plan;
    const isKept = guard !== undefined || isAsking;
    const { unread, receivedBytes } = isKept ? client.promiseGuarded(promised) : client.promise(promised);
    const up = gather(clientBytes, unread);
    const beginning = this.numberOf(guard?.beginning);
    this.#plane
      .begin(threadOf(client), COMMAND.promise, reply.length + up.length)
      .word(client.place)
      .word(client.generation)
      .word(promised.tunnel)
      .word(toSpan(plan.idleTimeoutMs))
      .word(toSpan(plan.halfCloseTimeoutMs))
      .word(toSpan(plan.lifetimeMs))
      .word(wholeSeconds(plan.keepAliveMs))
      .word(receivedBytes)
      .word(beginning)
      .word(toSpan(guard?.answerTimeoutMs ?? Infinity))
      .word(reply.length)
      .word(up.length)
      .bytes(reply)
      .bytes(up)
      .end();
    return promised;
  }

  /** Each thread is told of a beginning before the first promise that names it. */
  numberOf(beginning: Beginning | undefined): number {
    if (beginning === undefined) return NO_BEGINNING;
    const known = this.#beginnings.indexOf(beginning);
    if (known >= 0) return known + 1;
    const { bytes, mask } = beginning;
    for (let thread = 0; thread < this.#plane.threads; thread++) {
      this.#plane
        .begin(thread, COMMAND.learn, 2 * bytes.length)
        .word(bytes.length)
        .bytes(bytes)
        .bytes(mask)
        .end();
    }
    return this.#beginnings.push(beginning);
  }

  #sendSplice(tunnel: TunnelNumber, legs: SplicedLegs, options: SpliceOptions): void {
    const { client, upstream } = legs;
    const fromClient = client.handOver(legs);
    const fromUpstream = upstream.handOver(legs);
    const up = gather(options.clientBytes, fromClient.unread);
    const down = gather(options.upstreamBytes, fromUpstream.unread);
    this.#plane
      .begin(threadOf(upstream), COMMAND.splice, up.length + down.length)
      .word(client.place)
      .word(client.generation)
      .word(upstream.place)
      .word(upstream.generation)
      .word(tunnel)
      .word(toSpan(options.idleTimeoutMs))
      .word(toSpan(options.halfCloseTimeoutMs))
      .word(toSpan(options.lifetimeMs))
      .word(wholeSeconds(options.keepAliveMs))
      .word(toSpan(options.quietMs ?? 0))
      .word(fromClient.receivedBytes)
      .word(fromUpstream.receivedBytes)
      .word(up.length)
      .word(down.length)
      .bytes(up)
      .bytes(down)
      // Room for the address of an upstream leg that moves to its client's thread.
      .word(0)
      .word(0)
      .end();
  }

  #finish(tunnel: TunnelNumber, end: TunnelEnd, endedAt: DeadlineMs, firstByteAt?: DeadlineMs): void {
    const keeper = this.#keepers[tunnel];
    if (keeper === undefined) return;
    this.#keepers[tunnel] = undefined;
    if (this.#spliced.size > 0) this.#retire(tunnel);
    const { bytesUp, bytesDown } = this.#counts.read(tunnel);
    keeper.tunnelEnded(tunnel, { end, bytesUp, bytesDown, endedAt, firstByteAt });
    this.#counts.giveBack(tunnel);
    this.#plane.closed();
  }

  #retire(tunnel: TunnelNumber): void {
    this.#spliced.get(tunnel)?.retire();
    this.#spliced.delete(tunnel);
  }
}

/** The bytes to send first, and the unread ones behind them. */
function gather(first: Uint8Array = EMPTY, unread: readonly Uint8Array[]): Uint8Array {
  return unread.length === 0 ? first : Buffer.concat([first, ...unread]);
}

/**
 * Both legs of a tunnel that this thread has spliced. Bytes that were on their way here are sent back to the data thread, which waits for
 * them.
 */
class SplicedLegs implements ReturnPath {
  readonly client: NativeLeg;
  readonly upstream: NativeLeg;
  readonly #plane: DataPlane;

  constructor(plane: DataPlane, client: NativeLeg, upstream: NativeLeg) {
    this.#plane = plane;
    this.client = client;
    this.upstream = upstream;
  }

  /** Sent by way of the upstream's thread, behind the splice command, which takes that way to fetch the upstream leg. */
  sendBack(from: LegName, bytes: Uint8Array): void {
    const direction = from === this.client ? UP : DOWN;
    sendBack(this.#plane, this.upstream, { client: this.client, direction, bytes });
  }

  retire(): void {
    this.client.retire();
    this.upstream.retire();
  }
}

interface Returned {
  readonly client: LegName;
  readonly direction: typeof UP | typeof DOWN;
  readonly bytes: Uint8Array;
}

function sendBack(plane: DataPlane, by: LegName, { client, direction, bytes }: Returned): void {
  plane
    .begin(threadOf(by), COMMAND.return, bytes.length)
    .word(client.place)
    .word(client.generation)
    .word(direction)
    .word(bytes.length)
    .bytes(bytes)
    .end();
}

function native(leg: Leg): NativeLeg {
  if (leg instanceof NativeLeg) return leg;
  throw new TypeError('a native tunnel joins native legs');
}
