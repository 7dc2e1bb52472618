import type { DeadlineMs, Splice, SpliceCounts, SpliceResult } from '../transport.ts';
import type { NativeLeg } from './leg.ts';
import type { TunnelEnd } from './wire.ts';

/** A tunnel by its legs. */
export interface JoinedLegs {
  /** Its number in the counts, and in what data threads report. */
  readonly index: number;
  readonly client: NativeLeg;
  readonly upstream: NativeLeg;
}

/** What a splice needs of the register it stands in. */
export interface SpliceHome {
  readCounts(tunnel: number): SpliceCounts;
  cut(client: NativeLeg): void;
  /** Bytes that were on their way to this thread when the splice began: the data thread waits for them. */
  sendBack(tunnel: JoinedLegs, from: NativeLeg, bytes: Uint8Array): void;
}

/** This thread's view of a tunnel that a data thread relays. A few fields and no closure: there are many of these. */
export class NativeSplice<Cut extends string> implements Splice<Cut>, JoinedLegs {
  readonly done: Promise<SpliceResult<Cut>>;
  readonly index: number;
  readonly client: NativeLeg;
  readonly upstream: NativeLeg;
  readonly #home: SpliceHome;
  #resolve: (result: SpliceResult<Cut>) => void = () => undefined;
  #cutReason: Cut | undefined;
  #result: SpliceResult<Cut> | undefined;

  constructor(home: SpliceHome, index: number, client: NativeLeg, upstream: NativeLeg) {
    this.#home = home;
    this.index = index;
    this.client = client;
    this.upstream = upstream;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  counts(): SpliceCounts {
    if (this.#result === undefined) return this.#home.readCounts(this.index);
    return { bytesUp: this.#result.bytesUp, bytesDown: this.#result.bytesDown };
  }

  cut(reason: Cut): void {
    if (this.#cutReason !== undefined || this.#result !== undefined) return;
    this.#cutReason = reason;
    this.#home.cut(this.client);
  }

  /** One of its legs got bytes that belong to the tunnel. */
  sendBack(from: NativeLeg, bytes: Uint8Array): void {
    this.#home.sendBack(this, from, bytes);
  }

  /** The data thread's last word; the counts are final. */
  finish(end: TunnelEnd, firstByteAt: DeadlineMs | undefined): void {
    const { bytesUp, bytesDown } = this.#home.readCounts(this.index);
    this.#result = {
      end: end === 'cut' ? (this.#cutReason ?? 'lifetime') : end,
      bytesUp,
      bytesDown,
      ...(firstByteAt !== undefined && { firstByteAt }),
    };
    this.#resolve(this.#result);
  }
}
