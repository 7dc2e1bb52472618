/** All live connections of the process, for their log lines and metrics, for the scrape, and for the drain. */
import type { Logger } from '@sallyport/telemetry';
import { type Address, type DeadlineMs, type Leg, Slots, type Transport } from '@sallyport/tunnel-splice';
import { parseIp } from '@sallyport/addresses';
import type { Door } from '../door.ts';
import { FramingTurns } from '../http/framing-turns.ts';
import type { Limits } from '../limits/limits.ts';
import { Arrival } from '../proxy-header/arrival.ts';
import { Denials } from './denials.ts';
import { HellosUnderWay } from './hellos-under-way.ts';
import { LiveTunnels, type LiveTunnel } from './live-tunnels.ts';
import {
  liveLine,
  tunnelLine,
  type CutReason,
  type Ending,
  type RecordedDoor,
  type TunnelFacts,
} from './tunnel-facts.ts';
import { type RecordKeeper, TunnelRecord } from './tunnel-record.ts';
import { endingOfTurnedAway, factsOfTurnedAway } from './turned-away.ts';

export interface RecordOptions {
  readonly log: Logger;
  /** Whether each tunnel's end is logged (`log.access`). */
  readonly logsAccess: boolean;
  /** How often a live tunnel logs its bytes so far, in milliseconds; Infinity: never (`log.progress`). */
  readonly progressMs: number;
}

export class Ledger implements RecordKeeper {
  /** Replaced by a reload, so it is read at each use. */
  options: RecordOptions;
  /** No new tunnels are opened; live ones go on. */
  isDraining = false;
  /** Clients of plain HTTP between two requests, which have no record. */
  readonly idleClients = new Set<Leg>();
  /** A successor takes new connections. Clients of plain HTTP are asked to connect again, to the successor. */
  isLeaving = false;
  readonly hellos = new HellosUnderWay();
  readonly denials = new Denials();
  readonly framingTurns = new FramingTurns();
  readonly #limits: Pick<Limits, 'leave'>;
  /** Connections that wait for their PROXY header. */
  readonly #arrivals = new Set<Arrival>();
  /** Those whose tunnel is not up yet, and requests of plain HTTP. */
  readonly #records = new Slots<TunnelRecord>();
  readonly #tunnels = new Map<Transport, LiveTunnels>();
  readonly #idPrefix = Date.now().toString(36);
  #opened = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: RecordOptions, limits: Pick<Limits, 'leave'>) {
    this.options = options;
    this.#limits = limits;
  }

  /** A connection that has a record once it is known whose it is. */
  arrived(door: Door): Arrival {
    const arrival = new Arrival(this.nextNumber(), door);
    this.#arrivals.add(arrival);
    return arrival;
  }

  /** A client that was closed as it came has no record. */
  turnedAway(door: RecordedDoor, client: Address): void {
    const facts = factsOfTurnedAway(this.nextNumber(), door, client);
    this.close(facts, endingOfTurnedAway(facts));
  }

  /** Opens the record of a client that was just accepted, or of its next request, which began at `openedAt`. */
  open(client: Leg, door: RecordedDoor, openedAt: DeadlineMs = client.bornAt): TunnelRecord {
    const { introduction } = client;
    const isFirst = introduction instanceof Arrival && this.#arrivals.delete(introduction);
    const number = isFirst ? introduction.number : this.nextNumber();
    const record = new TunnelRecord({ number, client, door, openedAt }, this);
    record.slot = this.#records.add(record);
    return record;
  }

  /** The number of a connection that has no record, or of the record that is opened next. */
  nextNumber(): number {
    this.#opened += 1;
    return this.#opened;
  }

  /** The keeper of a transport's tunnels. */
  tunnelsOf(transport: Transport): LiveTunnels {
    const known = this.#tunnels.get(transport);
    if (known) return known;
    const tunnels = new LiveTunnels(transport, this);
    this.#tunnels.set(transport, tunnels);
    return tunnels;
  }

  /** Unique over restarts, and among a process and its successors: the time of the start in milliseconds, then a count. */
  idOf(number: number): string {
    return `${this.#idPrefix}-${number.toString(36)}`;
  }

  get progressMs(): number {
    return this.options.progressMs;
  }

  get liveCount(): number {
    let count = this.#records.count + this.#arrivals.size;
    for (const tunnels of this.#tunnels.values()) count += tunnels.count;
    return count;
  }

  /** The record is over: its tunnel is up and kept elsewhere, or its end is logged. */
  forget(record: TunnelRecord): void {
    this.#records.remove(record.slot);
  }

  /** The end of a connection, in the log and in the metrics. */
  close(facts: TunnelFacts, ending: Ending): void {
    if (facts.hasPlace) this.leavePlace(facts.door, facts.client.host);
    this.hellos.leave(facts.helloPlace);
    const { metrics } = facts.door;
    metrics.tunnelEnded(ending.outcome, ending.reason, (ending.endedAt - facts.openedAt) / 1000);
    if (facts.resolveMs !== undefined) metrics.resolved(facts.resolveMs / 1000);
    if (facts.connectMs !== undefined) metrics.connected(facts.connectMs / 1000);
    if (ending.firstByteMs !== undefined) metrics.firstByte(ending.firstByteMs / 1000);
    if (ending.outcome === 'refused') this.denials.refused(facts, ending.reason);
    const { log, logsAccess } = this.options;
    if (logsAccess) log.tunnel(ending.level, tunnelLine(this.idOf(facts.number), facts, ending));
    if (this.#onEmpty !== undefined && this.liveCount === 0) this.#onEmpty();
  }

  /** Opens no more tunnels. An idle client gets a FIN now, so that it makes its next request elsewhere: here it would be refused. */
  drain(): void {
    this.isDraining = true;
    for (const client of this.idleClients) client.close();
  }

  /** Gives back a place in the limits. */
  leavePlace(door: RecordedDoor, client: string): void {
    const ip = parseIp(client);
    if (ip) this.#limits.leave(door.name, ip);
  }

  logFault(number: number, cause: unknown): void {
    this.options.log.error({ id: this.idOf(number), err: cause }, 'internal error');
  }

  logOpen(facts: TunnelFacts): void {
    this.options.log.live('open', liveLine(this.idOf(facts.number), facts));
  }

  logProgress(facts: TunnelFacts, bytesUp: number, bytesDown: number): void {
    this.options.log.live('progress', liveLine(this.idOf(facts.number), facts, { bytesUp, bytesDown }));
  }

  /** Adds the bytes since the last call to `bytes_total`, so that it is exact while tunnels are open. */
  countLiveBytes(): void {
    for (const record of this.#records) record.countBytes();
    for (const tunnels of this.#tunnels.values()) tunnels.countBytes();
  }

  /** How many connections and requests there were so far; also the number of the last one. */
  get opened(): number {
    return this.#opened;
  }

  /** Whether any up to that number is still being set up, or is a request that is relayed. */
  isSettingUp(last: number): boolean {
    for (const { number } of this.#arrivals) if (number <= last) return true;
    for (const record of this.#records) if (record.number <= last && !record.isRelaying) return true;
    return false;
  }

  /** Tunnels that are up, and requests that are relayed, without those that were told to end. */
  *live(): Iterable<LiveTunnel> {
    for (const tunnels of this.#tunnels.values()) yield* tunnels.live();
    for (const record of this.#records) if (record.isRelaying) yield record;
  }

  /** Ends the tunnel with this id. False where no live tunnel has it. */
  cut(id: string, reason: CutReason): boolean {
    const number = parseInt(id.slice(this.#idPrefix.length + 1), 36);
    if (id !== this.idOf(number)) return false;
    for (const tunnel of this.live()) {
      if (tunnel.number !== number) continue;
      tunnel.cut(reason);
      return true;
    }
    return false;
  }

  /** Ends what is still open at the listeners that `isMeant` names; left out: at all of them. */
  cutAll(reason: CutReason, isMeant: (listener: string) => boolean = () => true): void {
    for (const waiting of [...this.#arrivals, ...this.#records]) if (isMeant(waiting.door.name)) waiting.cut(reason);
    for (const tunnels of this.#tunnels.values()) tunnels.cutAll(reason, isMeant);
  }

  /** Resolves to true when no connection is left, or to false after `timeoutMs` with some still live. */
  async whenEmpty(timeoutMs: number): Promise<boolean> {
    if (this.liveCount === 0) return true;
    return new Promise((resolve) => {
      const settle = (isEmpty: boolean): void => {
        clearTimeout(timer);
        this.#onEmpty = undefined;
        resolve(isEmpty);
      };
      const timer = setTimeout(settle, timeoutMs, false);
      this.#onEmpty = () => settle(true);
    });
  }
}
