import type { Address, DeadlineMs, JoinPlan, TunnelKeeper, TunnelNumber } from '../transport.ts';
import type { NativeLeg, ReturnPath } from './leg.ts';

/** What a promise needs of the register its tunnel will stand in. */
export interface PromiseHome {
  isUp(tunnel: TunnelNumber, client: NativeLeg, keeper: TunnelKeeper): void;
  cut(tunnel: TunnelNumber): void;
  /** The number was given for nothing. */
  giveBack(tunnel: TunnelNumber): void;
  /** Bytes that were on their way here when the promise was given: the data thread waits for them. */
  sendBackUp(client: NativeLeg, bytes: Uint8Array): void;
}

/** A tunnel promised to a client, while dials for it are under way or may still come. */
export class Promised implements ReturnPath {
  /** Under way. */
  dials = 0;
  readonly tunnel: TunnelNumber;
  readonly #home: PromiseHome;
  readonly #client: NativeLeg;
  readonly #plan: JoinPlan;
  #isOver = false;

  constructor(home: PromiseHome, tunnel: TunnelNumber, client: NativeLeg, plan: JoinPlan) {
    this.#home = home;
    this.tunnel = tunnel;
    this.#client = client;
    this.#plan = plan;
  }

  sendBack(from: NativeLeg, bytes: Uint8Array): void {
    this.#home.sendBackUp(from, bytes);
  }

  /** One of the dials has joined; false: the client's holder had given it up by then, and so the tunnel is cut. */
  joined(upstream: Address, upAt: DeadlineMs): boolean {
    this.dials -= 1;
    this.#isOver = true;
    const isWanted = !this.#client.isReleased;
    this.#home.isUp(this.tunnel, this.#client, isWanted ? this.#plan.keeper : NOBODY);
    this.#client.leave();
    if (isWanted) this.#plan.onUp(this.tunnel, upstream, upAt);
    else this.#home.cut(this.tunnel);
    return isWanted;
  }

  /** One of the dials has connected, and the tunnel is its holder's to make. */
  handedBack(): void {
    this.dials -= 1;
    this.#isOver = true;
    this.#client.handBack();
    this.#home.giveBack(this.tunnel);
  }

  dialFailed(): void {
    this.dials -= 1;
    this.settle();
  }

  /** The client was closed, or one of its dials is over: with neither left, there will be no tunnel. */
  settle(): void {
    if (this.#isOver || this.dials > 0 || !this.#client.isReleased) return;
    this.#isOver = true;
    this.#home.giveBack(this.tunnel);
  }
}

/** Keeps what nobody wants any more, until it has ended. */
const NOBODY: TunnelKeeper = { tunnelEnded: () => undefined };
