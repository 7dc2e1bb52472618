/** Whether a parent has worked recently. */
import type { EgressMetrics } from '@sallyport/telemetry';

/** How long a parent that was found down is tried after all others. */
export const ASIDE_MS = 5_000;

/** After so many silences in a row the parent is at fault. A single one may come from a destination that does not answer. */
const SILENCES = 3;

/**
 * A parent that is down is tried after all others, so that clients do not wait for it. Where there is no other, it is tried all the same.
 */
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

  /** It took the request, whatever its answer. */
  answered(): void {
    this.#silences = 0;
    this.#asideUntil = -Infinity;
    this.#metrics.isUp(true);
  }

  /** It could not be reached, or did not answer as a proxy. */
  down(now: number): void {
    this.#asideUntil = now + ASIDE_MS;
    this.#metrics.isUp(false);
  }

  /** It was reached, and sent nothing in its time. */
  silent(now: number): void {
    this.#silences += 1;
    if (this.#silences >= SILENCES) this.down(now);
  }
}
