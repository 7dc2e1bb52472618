/** A connection whose peer has to say which client it speaks for. It has no record before that is known. */
import type { Address, Introduction } from '@sallyport/tunnel-splice';
import { type CutReason, CUT_SHORT } from '../account/tunnel-facts.ts';
import type { Door } from '../door.ts';
import { TunnelError } from '../reasons.ts';

/** What its peer has said, or why it is refused. */
export interface Introduced {
  readonly remote?: Address;
  readonly local?: Address;
  readonly refusal?: TunnelError;
}

export class Arrival implements Introduction {
  /** That of its record. */
  readonly number: number;
  /** The door that took it serves it, also where a reload has replaced or removed that door meanwhile. */
  readonly door: Door;
  #introduced: Introduced = {};
  #settle: ((introduced: Introduced) => void) | undefined;

  constructor(number: number, door: Door) {
    this.number = number;
    this.door = door;
  }

  get remote(): Address | undefined {
    return this.#introduced.remote;
  }

  get local(): Address | undefined {
    return this.#introduced.local;
  }

  get refusal(): TunnelError | undefined {
    return this.#introduced.refusal;
  }

  get isRefused(): boolean {
    return this.refusal !== undefined;
  }

  introduced(known: Introduced): this {
    this.#introduced = known;
    return this;
  }

  /** Resolves once its peer has said it, or once it is cut. */
  whenIntroduced(awaited: Promise<Introduced>): Promise<this> {
    return new Promise((resolve) => {
      this.#settle = (known) => resolve(this.isRefused ? this : this.introduced(known));
      void awaited.then(this.#settle);
    });
  }

  /** Refuses it for a reason of ours, whatever its peer says now. */
  cut(reason: CutReason): void {
    if (!this.isRefused) this.introduced({ refusal: new TunnelError(reason, CUT_SHORT) });
    this.#settle?.(this.#introduced);
  }
}
