import type { Address, DeadlineMs } from '../transport.ts';
import type { Addon } from './addon.ts';
import { measureClockOffset } from './clock-offset.ts';
import { CommandWriter } from './command-writer.ts';
import { NativeLeg, type LegHome } from './leg.ts';
import { ReadDeadlines } from './read-deadlines.ts';
import { indexOf, threadOf, type Command, type LegName } from './wire.ts';

/** What listeners, dials and tunnels share: the commands to the data threads, and the legs by name. */
export class DataPlane implements LegHome {
  readonly addon: Addon;
  readonly threads: number;
  readonly deadlines = new ReadDeadlines();
  readonly #writer: CommandWriter;
  /** By their place in their threads' tables. A place is used again only after the last event of the leg before. */
  readonly #legs: (NativeLeg | undefined)[] = [];
  readonly #clockOffsetMs = measureClockOffset();
  #openThings = 0;
  /** From then on the addon may belong to another transport. */
  #isStopped = false;

  constructor(addon: Addon, threads: number) {
    this.addon = addon;
    this.threads = threads;
    this.#writer = new CommandWriter({
      shareCommands: (words) => {
        if (!this.#isStopped) addon.shareCommands(words);
      },
      collect: () => {
        if (!this.#isStopped) addon.collect();
      },
    });
  }

  /** The engine runs. */
  start(): void {
    this.#writer.share();
  }

  /** @param blobBytes the most bytes and characters that will be written */
  begin(thread: number, kind: Command, blobBytes?: number): CommandWriter {
    return this.#writer.begin(thread, kind, blobBytes);
  }

  /** Sends the collected commands now, instead of at the end of the turn. */
  flush(): void {
    this.#writer.flush();
  }

  toDeadline(monotonicNs: number): DeadlineMs {
    return monotonicNs / 1e6 + this.#clockOffsetMs;
  }

  /** By the clock of the data threads, in whole milliseconds: the lower 32 bits. */
  toMonotonicMs(deadline: DeadlineMs): number {
    return Math.floor(deadline - this.#clockOffsetMs) >>> 0;
  }

  addLeg(name: LegName, remote: Address, local: Address, bornAt: DeadlineMs): NativeLeg {
    const leg = new NativeLeg(this, name, { remote, local, bornAt });
    this.#legs[this.#positionOf(leg.place)] = leg;
    this.opened();
    return leg;
  }

  /** Undefined for an event that was on its way when its leg was closed here. */
  findLeg(place: number, generation: number): NativeLeg | undefined {
    const leg = this.#legs[this.#positionOf(place)];
    return leg?.generation === generation ? leg : undefined;
  }

  forget(leg: NativeLeg): void {
    const position = this.#positionOf(leg.place);
    if (this.#legs[position] === leg) this.#legs[position] = undefined;
    this.closed();
  }

  /** Something was opened (a listener, a dial, a leg, a tunnel). It keeps the process running, as a socket does. */
  opened(): void {
    this.#openThings += 1;
    if (this.#openThings === 1 && !this.#isStopped) this.addon.keepAlive(true);
  }

  closed(): void {
    this.#openThings -= 1;
    if (this.#openThings === 0 && !this.#isStopped) this.addon.keepAlive(false);
  }

  /** Ends the data threads, behind every command that was given. Their last events can still be drained. */
  halt(): void {
    this.flush();
    this.#isStopped = true;
    this.addon.halt();
  }

  stop(): void {
    this.addon.stop();
    this.deadlines.stop();
    for (const leg of this.#legs) leg?.abandon();
    this.#legs.length = 0;
  }

  /** An index over the tables of all threads, interleaved: each table is dense, and so are the indices. */
  #positionOf(place: number): number {
    return indexOf(place) * this.threads + threadOf({ place });
  }
}
