/** The counts of the egresses. */
import type { MetricTable } from './metric-table.ts';
import { Tally } from './tally.ts';

/** `refused`: the parent said no. `failed`: the destination failed, at a direct egress. */
const EGRESS_RESULTS = ['ok', 'refused', 'down', 'silent', 'failed'] as const;

export type EgressResult = (typeof EGRESS_RESULTS)[number];

/** The counts of one egress. */
export interface EgressMetrics {
  attempt(result: EgressResult): void;
  isUp(isUp: boolean): void;
}

/** The state of one egress. */
export interface EgressReading {
  readonly egress: string;
  readonly isUp: boolean;
  readonly attempts: readonly { readonly result: EgressResult; readonly count: number }[];
}

/** The counts of all egresses. They are plain numbers until a scrape, as those of listeners are. */
export class EgressCounts {
  readonly #table: MetricTable;
  readonly #attempts = new Tally((egress: string, result: EgressResult) => ({ egress, result }));
  /** Whether each is up. */
  readonly #known = new Map<string, boolean>();

  constructor(table: MetricTable) {
    this.#table = table;
  }

  of(egress: string): EgressMetrics {
    if (!this.#known.has(egress)) this.#showFromTheStart(egress);
    return {
      attempt: (result) => this.#attempts.add(egress, result),
      // What was under way by an egress that was removed says nothing of one that there is.
      isUp: (isUp) => {
        if (this.#known.has(egress)) this.#isUp(egress, isUp);
      },
    };
  }

  /** An egress that was removed is neither up nor down. */
  retain(names: readonly string[]): void {
    for (const egress of this.#known.keys()) {
      if (names.includes(egress)) continue;
      this.#known.delete(egress);
      this.#table.egressUp.remove({ egress });
    }
  }

  read(): readonly EgressReading[] {
    const attempts = this.#attempts.read();
    return [...this.#known].map(([egress, isUp]) => ({
      egress,
      isUp,
      attempts: attempts
        .filter(({ labels }) => labels.egress === egress)
        .map(({ labels, count }) => ({ result: labels.result, count })),
    }));
  }

  publish(): void {
    this.#attempts.take((labels, count) => this.#table.egressAttempts.inc(labels, count));
  }

  #isUp(egress: string, isUp: boolean): void {
    // Called for every tunnel, and mostly nothing has changed.
    if (this.#known.get(egress) === isUp) return;
    this.#known.set(egress, isUp);
    this.#table.egressUp.set({ egress }, isUp ? 1 : 0);
  }

  #showFromTheStart(egress: string): void {
    this.#isUp(egress, true);
    for (const result of EGRESS_RESULTS) this.#table.egressAttempts.inc({ egress, result }, 0);
  }
}
