import type { DeadlineMs, Splice, SpliceCounts, SpliceResult } from '../transport.ts';
import type { TunnelEnd } from './wire.ts';

/** This thread's view of a tunnel that a data thread relays. */
export class NativeSplice<Cut extends string> implements Splice<Cut> {
  readonly done: Promise<SpliceResult<Cut>>;
  readonly #readCounts: () => SpliceCounts;
  readonly #sendCut: () => void;
  #resolve: (result: SpliceResult<Cut>) => void = () => undefined;
  #cutReason: Cut | undefined;
  #result: SpliceResult<Cut> | undefined;

  constructor(readCounts: () => SpliceCounts, sendCut: () => void) {
    this.#readCounts = readCounts;
    this.#sendCut = sendCut;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  counts(): SpliceCounts {
    if (this.#result === undefined) return this.#readCounts();
    return { bytesUp: this.#result.bytesUp, bytesDown: this.#result.bytesDown };
  }

  cut(reason: Cut): void {
    if (this.#cutReason !== undefined || this.#result !== undefined) return;
    this.#cutReason = reason;
    this.#sendCut();
  }

  /** The data thread's last word; the counts are final. */
  finish(end: TunnelEnd, firstByteAt: DeadlineMs | undefined): void {
    if (this.#result !== undefined) return;
    const { bytesUp, bytesDown } = this.#readCounts();
    this.#result = {
      end: end === 'cut' ? (this.#cutReason ?? 'lifetime') : end,
      bytesUp,
      bytesDown,
      ...(firstByteAt === undefined ? undefined : { firstByteAt }),
    };
    this.#resolve(this.#result);
  }
}
