/** What the steps of `serveTunnel` hand on to each other. */
import type { DeadlineMs, Leg, TunnelNumber } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { LiveTunnels } from './account/live-tunnels.ts';
import type { TunnelRecord } from './account/tunnel-record.ts';
import type { Door } from './door.ts';
import type { Dialled } from './egress/direct.ts';
import type { DecidedTunnel, Joiner, UpAt } from './egress/joining.ts';
import type { Seeker } from './find-addresses.ts';
import type { Frontend, Greeting, Identified, PlainHttp } from './frontend.ts';
import type { NextRequest } from './http/next-request.ts';
import type { Way } from './reach-destination.ts';
import type { TunnelError } from './reasons.ts';
import type { SniVerdict } from './sni-check.ts';

/** Returns the current door: after a reload, new connections get the new door. Undefined where the door was removed. */
export type DoorNow = () => Door | undefined;

/** What becomes of a set-up whose dial is over. */
export interface Course {
  goOn(setUp: SetUp): void;
  refuse(setUp: SetUp, cause: unknown): void;
}

interface Origin {
  readonly client: Leg;
  readonly door: Door;
  readonly doorNow: DoorNow;
  readonly ledger: Ledger;
  readonly next: NextRequest | undefined;
  readonly course: Course;
}

/** A tunnel that is being set up: what its steps have found, each for those behind it. Once the tunnel is up, only its repeating keeps it. */
export class SetUp implements Seeker, DecidedTunnel, Joiner {
  readonly client: Leg;
  readonly door: Door;
  readonly doorNow: DoorNow;
  readonly ledger: Ledger;
  readonly next: NextRequest | undefined;
  readonly record: TunnelRecord;
  readonly frontend: Frontend;
  http: PlainHttp | undefined;
  /** How many of the steps were taken. */
  stepsTaken = 0;
  /** The bytes sent up already include the hello. */
  isHelloSent = false;
  preread: SniVerdict | undefined;
  /** When it ends in any case, where its tunnel was up before it is relayed. */
  lifetimeDeadline: DeadlineMs | undefined;
  readonly #course: Course;
  #identified: Identified | undefined;
  #way: Way | undefined;
  #greeting: Greeting | undefined;
  #upstream: Leg | undefined;

  constructor({ client, door, doorNow, ledger, next, course }: Origin) {
    this.client = client;
    this.door = door;
    this.doorNow = doorNow;
    this.ledger = ledger;
    this.next = next;
    this.#course = course;
    this.record = ledger.open(client, door, next?.begunAt);
    this.frontend = door.openFrontend(client, next?.bytes);
  }

  opens(opening: Identified | PlainHttp): void {
    if ('kind' in opening) this.http = opening;
    else this.#identified = this.record.identified(opening);
  }

  goes(way: Way): void {
    this.#way = way;
  }

  greets(): void {
    this.#greeting = this.frontend.greeting();
  }

  connected(upstream: Leg, isHelloSent: boolean): void {
    this.#upstream = upstream;
    this.isHelloSent = isHelloSent;
  }

  verified(verdict: SniVerdict): void {
    this.preread = this.record.verified(verdict);
  }

  get identified(): Identified {
    return known(this.#identified);
  }

  get way(): Way {
    return known(this.#way);
  }

  get greeting(): Greeting {
    return known(this.#greeting);
  }

  get upstream(): Leg {
    return known(this.#upstream);
  }

  /** At a transparent door the hello was read already, unless the client began with CONNECT. */
  get isVerified(): boolean {
    return this.door.verifySni !== undefined && (this.door.mode === 'connect' || !this.isHello);
  }

  // The tunnel as it is decided, for a dial that is to join it.

  get reply(): Uint8Array {
    return this.greeting.bytes;
  }

  get clientBytes(): Uint8Array {
    return this.identified.clientBytes;
  }

  get isHello(): boolean {
    return this.identified.hello !== undefined;
  }

  // What came of that dial.

  isUp(tunnels: LiveTunnels, tunnel: TunnelNumber, { upstream, at }: UpAt): void {
    this.record.isUp(tunnels, tunnel, { upstream, at, status: this.greeting.status });
    this.door.repeats?.cameUp(this, { upstream, at });
  }

  sentInVain(bytesUp: number): void {
    this.record.carry(bytesUp, 0);
  }

  reached(dialled: Dialled): void {
    if (dialled.kind === 'joined') return;
    this.connected(dialled.leg, true);
    this.#course.goOn(this);
  }

  failed(error: TunnelError): void {
    this.#course.refuse(this, error);
  }
}

/** A step that went before has found it. */
function known<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new Error('a step of the set-up was left out');
  return found;
}
