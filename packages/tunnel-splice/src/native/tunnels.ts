import type { Leg, Splice, SpliceCounts, SpliceOptions } from '../transport.ts';
import type { DataPlane } from './data-plane.ts';
import { spanUntil, toSpan } from './dials.ts';
import { NativeLeg } from './leg.ts';
import { NativeSplice, type JoinedLegs, type SpliceHome } from './splice.ts';
import { TunnelCounts } from './tunnel-counts.ts';
import { COMMAND, threadOf, TUNNEL_ENDS, type TunnelEnd } from './wire.ts';

interface LiveTunnel extends JoinedLegs {
  finish(end: TunnelEnd, firstByteAt: number | undefined): void;
}

const UP = 0;
const DOWN = 1;
/** Room for the address of an upstream leg that moves to its client's thread. */
const MOVED_LEG_WORDS = 2;
const EMPTY = new Uint8Array(0);

/** The tunnels that the data threads relay. */
export class Tunnels implements SpliceHome {
  readonly #plane: DataPlane;
  readonly #counts: TunnelCounts;
  readonly #live = new Map<number, LiveTunnel>();
  /** From the kernel's monotonic clock, in which data threads report, to `performance.now()`. */
  readonly #clockOffsetMs = performance.now() - Number(process.hrtime.bigint()) / 1e6;

  constructor(plane: DataPlane) {
    this.#plane = plane;
    this.#counts = new TunnelCounts((page, pairs) => plane.addon.addCounts(page, pairs));
  }

  join<Cut extends string>(client: Leg, upstream: Leg, options: SpliceOptions): Splice<Cut> {
    if (!(client instanceof NativeLeg && upstream instanceof NativeLeg)) {
      throw new TypeError('a native splice joins native legs');
    }
    const splice = new NativeSplice<Cut>(this, this.#counts.take(), client, upstream);
    this.#live.set(splice.index, splice);
    this.#start(splice, client.handOver(splice), upstream.handOver(splice), options);
    return splice;
  }

  readCounts(tunnel: number): SpliceCounts {
    return this.#counts.read(tunnel);
  }

  /** At once: whatever a peer does after the cut comes after it. */
  cut(client: NativeLeg): void {
    this.#plane.send(threadOf(client), COMMAND.cut, [client.place, client.generation]);
    this.#plane.flush();
  }

  /** By way of the upstream's thread, behind the splice itself, which goes that way to fetch the upstream leg. */
  sendBack({ client, upstream }: JoinedLegs, from: NativeLeg, bytes: Uint8Array): void {
    const args = [client.place, client.generation, from === client ? UP : DOWN, bytes.length];
    this.#plane.send(threadOf(upstream), COMMAND.return, args, [bytes]);
  }

  /** A data thread's last word about a tunnel. */
  ended(index: number, end: number, firstByteNs: number): void {
    const firstByteAt = firstByteNs === 0 ? undefined : firstByteNs / 1e6 + this.#clockOffsetMs;
    this.#finish(index, TUNNEL_ENDS[end] ?? 'lifetime', firstByteAt);
  }

  /** The threads are gone, and the sockets with them. */
  stop(): void {
    for (const index of this.#live.keys()) this.#finish(index, 'lifetime', undefined);
  }

  #start(legs: JoinedLegs, fromClient: HandedOver, fromUpstream: HandedOver, options: SpliceOptions): void {
    const { client, upstream } = legs;
    const up = Buffer.concat([options.clientBytes ?? EMPTY, ...fromClient.unread]);
    const down = Buffer.concat([options.upstreamBytes ?? EMPTY, ...fromUpstream.unread]);
    const args = [
      ...[client.place, client.generation, upstream.place, upstream.generation, legs.index],
      ...[toSpan(options.idleTimeoutMs), toSpan(options.halfCloseTimeoutMs), spanUntil(options.lifetimeDeadline)],
      ...[fromClient.receivedBytes, fromUpstream.receivedBytes, up.length, down.length],
    ];
    this.#plane.send(threadOf(upstream), COMMAND.splice, args, [up, down], MOVED_LEG_WORDS);
  }

  #finish(index: number, end: TunnelEnd, firstByteAt: number | undefined): void {
    const tunnel = this.#live.get(index);
    if (tunnel === undefined) return;
    this.#live.delete(index);
    tunnel.finish(end, firstByteAt);
    this.#counts.giveBack(index);
    tunnel.client.retire();
    tunnel.upstream.retire();
  }
}

type HandedOver = ReturnType<NativeLeg['handOver']>;
