/** Counts by two label values, kept until the next scrape. */

/** A number of events with the same labels. */
export interface LabelledCount<Labels> {
  readonly labels: Labels;
  readonly count: number;
}

interface Count<Labels> {
  readonly labels: Labels;
  total: number;
  told: number;
}

/**
 * Label values are few: reasons, rules, versions. The two are separate keys and never joined: hashing a new text costs more than
 * counting.
 */
export class Tally<Labels, One extends string, Other extends string> {
  readonly #toLabels: (one: One, other: Other) => Labels;
  readonly #counts = new Map<One, Map<Other, Count<Labels>>>();

  constructor(toLabels: (one: One, other: Other) => Labels) {
    this.#toLabels = toLabels;
  }

  add(one: One, other: Other): void {
    const count = this.#counts.get(one)?.get(other);
    if (count === undefined) this.#open(one, other);
    else count.total += 1;
  }

  /** Calls `tell` with the counts since the last call. */
  take(tell: (labels: Labels, count: number) => void): void {
    for (const counts of this.#counts.values()) {
      for (const count of counts.values()) {
        if (count.total > count.told) tell(count.labels, count.total - count.told);
        count.told = count.total;
      }
    }
  }

  /** The counts since the start. */
  read(): readonly LabelledCount<Labels>[] {
    const counts = [...this.#counts.values()].flatMap((others) => [...others.values()]);
    return counts.map(({ labels, total }) => ({ labels, count: total }));
  }

  #open(one: One, other: Other): void {
    const counts = this.#counts.get(one) ?? new Map<Other, Count<Labels>>();
    this.#counts.set(one, counts.set(other, { labels: this.#toLabels(one, other), total: 1, told: 0 }));
  }
}
