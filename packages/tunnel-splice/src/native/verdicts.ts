import { wholeSeconds } from '../keep-alive.ts';
import { Slots } from '../slots.ts';
import type { Verdict } from '../transport.ts';
import type { CountPages } from './count-pages.ts';
import type { DataPlane } from './data-plane.ts';
import type { RepeatedTunnel } from './event-reader.ts';
import { NativeLeg } from './leg.ts';
import type { Tunnels } from './tunnels.ts';
import { COMMAND, threadOf, toSpan } from './wire.ts';

/** How many numbers each data thread has for the tunnels to come, and how many it lacks before it gets more. */
const SPARES = 512;
const REFILL = 256;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** A verdict, until each thread has forgotten its share. */
interface Held {
  readonly verdict: Verdict;
  /** How many have not forgotten it. */
  threads: number;
  wasNoGood: boolean;
}

/** What the data threads repeat by themselves. Each has its share of a verdict's tunnels. */
export class Verdicts {
  readonly #plane: DataPlane;
  readonly #tunnels: Tunnels;
  readonly #counts: CountPages;
  #held = new Slots<Held>();
  /** How many numbers each thread lacks. */
  readonly #lacking: number[];
  /** What the holder of a verdict is told: one object for all tunnels. */
  readonly #told = { remotePort: 0, acceptedAt: 0, dialledAt: 0, upAt: 0, nonce: NO_BYTES };
  /** Threads repeat no verdict of an earlier epoch, even before they read the command to forget it. */
  #epoch = 0;

  constructor(plane: DataPlane, tunnels: Tunnels, counts: CountPages) {
    this.#plane = plane;
    this.#tunnels = tunnels;
    this.#counts = counts;
    this.#lacking = new Array<number>(plane.threads).fill(SPARES);
  }

  remember(verdict: Verdict): boolean {
    const { client } = verdict;
    const { threads } = this.#plane;
    const share = Math.floor(verdict.tunnels / threads);
    if (!(client instanceof NativeLeg) || share === 0) return false;
    const id = this.#held.add({ verdict, threads, wasNoGood: false });
    const guard = this.#tunnels.numberOf(verdict.guard?.beginning);
    for (let thread = 0; thread < threads; thread++) {
      this.#refill(thread);
      this.#send(thread, { id, client, share, guard, verdict });
    }
    return true;
  }

  forgetAll(): void {
    if (this.#held.count === 0) return;
    this.#epoch += 1;
    this.#plane.addon.beginEpoch(this.#epoch);
    for (let thread = 0; thread < this.#plane.threads; thread++) this.#plane.begin(thread, COMMAND.forget).end();
    this.#plane.flush();
  }

  repeated(by: RepeatedTunnel): void {
    const verdict = this.#held.get(by.verdict)?.verdict;
    if (verdict === undefined) return;
    const thread = threadOf(by);
    this.#lacking[thread] = (this.#lacking[thread] ?? 0) + 1;
    this.#refill(thread);
    this.#tunnels.isUp(by.tunnel, by, verdict.keeper);
    const told = this.#told;
    told.remotePort = by.remotePort;
    told.acceptedAt = this.#plane.toDeadline(by.acceptedNs);
    told.dialledAt = this.#plane.toDeadline(by.dialledNs);
    told.upAt = this.#plane.toDeadline(by.connectedNs);
    told.nonce = by.nonce;
    verdict.onRepeated(by.tunnel, told);
  }

  /** By one thread. */
  forgotten(id: number, wasNoGood: boolean): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.threads -= 1;
    held.wasNoGood ||= wasNoGood;
    if (held.threads > 0) return;
    this.#held.remove(id);
    held.verdict.onForgotten(held.wasNoGood);
  }

  /** The threads have ended. */
  stop(): void {
    const held = this.#held;
    this.#held = new Slots();
    for (const { verdict, wasNoGood } of held) verdict.onForgotten(wasNoGood);
  }

  #refill(thread: number): void {
    const lacking = this.#lacking[thread] ?? 0;
    if (lacking < REFILL) return;
    this.#lacking[thread] = 0;
    const writer = this.#plane.begin(thread, COMMAND.spare, 4 * lacking).word(lacking);
    for (let count = 0; count < lacking; count++) writer.word(this.#counts.take());
    writer.end();
  }

  #send(thread: number, { id, client, share, guard, verdict }: Sent): void {
    const { opening, nonce, address, sourceHost = '', reply } = verdict;
    const { bytes, mask } = opening;
    const { host } = client.remote;
    // The command may be read late.
    const endsAt = performance.now() + verdict.holdsMs;
    const blobBytes = host.length + address.host.length + sourceHost.length + reply.length + 2 * bytes.length;
    this.#plane
      .begin(thread, COMMAND.remember, blobBytes)
      .word(id)
      .word(this.#epoch)
      .word(client.listener)
      .word(this.#plane.toMonotonicMs(endsAt))
      .word(share)
      .word(address.port)
      .word(toSpan(verdict.withinMs))
      .word(toSpan(verdict.idleTimeoutMs))
      .word(toSpan(verdict.halfCloseTimeoutMs))
      .word(toSpan(verdict.lifetimeMs))
      .word(wholeSeconds(verdict.keepAliveMs))
      .word(guard)
      .word(toSpan(verdict.withinMs))
      .word(verdict.isSentUp ? 1 : 0)
      .word(nonce?.at ?? 0)
      .word(nonce?.length ?? 0)
      .word(host.length)
      .word(address.host.length)
      .word(sourceHost.length)
      .word(reply.length)
      .word(bytes.length)
      .text(host)
      .text(address.host)
      .text(sourceHost)
      .bytes(reply)
      .bytes(bytes)
      .bytes(mask)
      .end();
  }
}

interface Sent {
  readonly id: number;
  readonly client: NativeLeg;
  readonly share: number;
  readonly guard: number;
  readonly verdict: Verdict;
}
