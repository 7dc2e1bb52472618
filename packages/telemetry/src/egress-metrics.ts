/** What is counted of the ways out. */
import type { MetricTable } from './metric-table.ts';
import { Tally } from './tally.ts';

/** `refused`: the parent said no. `failed`: of a direct way, where it is the destination's affair. */
const EGRESS_RESULTS = ['ok', 'refused', 'down', 'silent', 'failed'] as const;

type EgressResult = (typeof EGRESS_RESULTS)[number];

/** Of one way out. */
export interface EgressMetrics {
  attempt(result: EgressResult): void;
  isUp(isUp: boolean): void;
}

/** Of all ways out. Counts gather in plain numbers, as those of listeners do. */
export class EgressCounts {
  readonly #table: MetricTable;
  readonly #attempts = new Tally((egress: string, result: EgressResult) => ({ egress, result }));
  readonly #known = new Set<string>();

  constructor(table: MetricTable) {
    this.#table = table;
  }

  of(egress: string): EgressMetrics {
    if (!this.#known.has(egress)) this.#showFromTheStart(egress);
    return {
      attempt: (result) => this.#attempts.add(egress, result),
      isUp: (isUp) => this.#table.egressUp.set({ egress }, isUp ? 1 : 0),
    };
  }

  /** A way out that is none any more is neither up nor down. */
  retain(names: readonly string[]): void {
    for (const egress of this.#known) {
      if (names.includes(egress)) continue;
      this.#known.delete(egress);
      this.#table.egressUp.remove({ egress });
    }
  }

  publish(): void {
    this.#attempts.take((labels, count) => this.#table.egressAttempts.inc(labels, count));
  }

  #showFromTheStart(egress: string): void {
    this.#known.add(egress);
    this.#table.egressUp.set({ egress }, 1);
    for (const result of EGRESS_RESULTS) this.#table.egressAttempts.inc({ egress, result }, 0);
  }
}
