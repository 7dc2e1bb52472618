/** How a parent has fared of late. */
import type { EgressMetrics } from '@sallyport/telemetry';

/** How long a parent that was found down is tried after all others. */
export const ASIDE_MS = 5_000;

/** So many silences in a row are the parent's fault: one may be that of a destination which does not answer. */
const SILENCES = 3;

/** A parent is put aside while it is down, so that those with a choice do not wait for it; without a choice it is tried all the same. */
export class ParentHealth {
  readonly #metrics: Pick<EgressMetrics, 'isUp'>;
  #asideUntil = -Infinity;
  #silences = 0;

  constructor(metrics: Pick<EgressMetrics, 'isUp'>) {
    this.#metrics = metrics;
    metrics.isUp(true);
  }

  isAside(now: number): boolean {
    return now < this.#asideUntil;
  }

  /** It took the request: whatever it said, it is there. */
  answered(): void {
    this.#silences = 0;
    this.#asideUntil = -Infinity;
    this.#metrics.isUp(true);
  }

  /** It could not be reached, or spoke no protocol of a proxy. */
  down(now: number): void {
    this.#asideUntil = now + ASIDE_MS;
    this.#metrics.isUp(false);
  }

  /** It was reached, and said nothing in its time. */
  silent(now: number): void {
    this.#silences += 1;
    if (this.#silences >= SILENCES) this.down(now);
  }
}
