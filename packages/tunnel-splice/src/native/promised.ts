import type { Address, DeadlineMs, JoinPlan, TunnelCounts, TunnelKeeper, TunnelNumber } from '../transport.ts';
import type { LegName } from './wire.ts';

/** Where a spliced leg sends bytes that were already on their way to this thread. */
export interface ReturnPath {
  sendBack(from: LegName, bytes: Uint8Array): void;
}

/** The client's leg, as far as a promise uses it. */
interface PromisedClient extends LegName {
  /** Its holder has closed it. */
  readonly isReleased: boolean;
  /** From here on it belongs to the tunnel. */
  leave(): void;
  /** It is its holder's again, with the bytes that the promise had taken. */
  handBack(taken: readonly Uint8Array[]): void;
}

/** What a promise needs of the register of tunnels. */
export interface PromiseHome {
  isUp(tunnel: TunnelNumber, client: LegName, keeper: TunnelKeeper): void;
  cut(tunnel: TunnelNumber): void;
  readCounts(tunnel: TunnelNumber): TunnelCounts;
  /** The number is not needed: there will be no tunnel. */
  giveBack(tunnel: TunnelNumber): void;
  /** Bytes that were on their way here when the promise was given. The data thread waits for them. */
  sendBackUp(client: LegName, bytes: Uint8Array): void;
}

/** A tunnel promised to a client, while dials for it are under way or may still come. */
export class Promised implements ReturnPath {
  /** How many are under way. */
  dials = 0;
  readonly tunnel: TunnelNumber;
  readonly #home: PromiseHome;
  readonly #client: PromisedClient;
  readonly #plan: JoinPlan;
  /** Sent to the data thread for the tunnel, and the client's again where there is none. */
  #taken: Uint8Array[] = NOTHING;
  #isOver = false;

  constructor(home: PromiseHome, tunnel: TunnelNumber, client: PromisedClient, plan: JoinPlan) {
    this.#home = home;
    this.tunnel = tunnel;
    this.#client = client;
    this.#plan = plan;
  }

  /** The client's unread bytes go up with the promise. */
  takes(unread: Uint8Array[]): void {
    if (unread.length > 0) this.#taken = unread;
  }

  sendBack(from: LegName, bytes: Uint8Array): void {
    this.#taken = [...this.#taken, bytes];
    this.#home.sendBackUp(from, bytes);
  }

  /** One of the dials has joined. False: the client's holder had closed it before, and so the tunnel is cut. */
  joined(upstream: Address, upAt: DeadlineMs): boolean {
    this.dials -= 1;
    this.#isOver = true;
    this.#taken = NOTHING;
    const isWanted = !this.#client.isReleased;
    this.#home.isUp(this.tunnel, this.#client, isWanted ? this.#plan.keeper : NOBODY);
    this.#client.leave();
    if (isWanted) this.#plan.onUp(this.tunnel, upstream, upAt);
    else {
      this.#tellSent();
      this.#home.cut(this.tunnel);
    }
    return isWanted;
  }

  /** One of the dials has connected, and its holder is to make the tunnel. */
  handedBack(): void {
    this.dials -= 1;
    this.#isOver = true;
    this.#client.handBack(this.#taken);
    this.#home.giveBack(this.tunnel);
  }

  dialFailed(): void {
    this.dials -= 1;
    this.settle();
  }

  /** No dial has joined, and the client goes another way. Returns what was taken of it. */
  withdrawn(): readonly Uint8Array[] {
    this.#isOver = true;
    this.#home.giveBack(this.tunnel);
    return this.#taken;
  }

  /** The client was closed, or one of its dials is over. Once both are gone, there will be no tunnel. */
  settle(): void {
    if (this.#isOver || this.dials > 0 || !this.#client.isReleased) return;
    this.#isOver = true;
    this.#tellSent();
    this.#home.giveBack(this.tunnel);
  }

  #tellSent(): void {
    const { bytesUp } = this.#home.readCounts(this.tunnel);
    if (bytesUp > 0) this.#plan.onUnjoined?.(bytesUp);
  }
}

/** Keeps a tunnel that has no keeper any more, until it has ended. */
const NOBODY: TunnelKeeper = { tunnelEnded: () => undefined };

/** One array for all promises that took nothing. */
const NOTHING: Uint8Array[] = [];
