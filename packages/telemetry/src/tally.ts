/** Counts by two label values, kept until they are asked for. */

interface Count<Labels> {
  readonly labels: Labels;
  value: number;
}

/** Label values are as few as they are: reasons, rules, versions. Two of them, and never their sum: to hash a new text costs more than to count. */
export class Tally<Labels, One extends string, Other extends string> {
  readonly #toLabels: (one: One, other: Other) => Labels;
  readonly #counts = new Map<One, Map<Other, Count<Labels>>>();

  constructor(toLabels: (one: One, other: Other) => Labels) {
    this.#toLabels = toLabels;
  }

  add(one: One, other: Other): void {
    const count = this.#counts.get(one)?.get(other);
    if (count === undefined) this.#open(one, other);
    else count.value += 1;
  }

  /** Tells what was counted since the last time. */
  take(tell: (labels: Labels, count: number) => void): void {
    for (const counts of this.#counts.values()) {
      for (const count of counts.values()) {
        if (count.value > 0) tell(count.labels, count.value);
        count.value = 0;
      }
    }
  }

  #open(one: One, other: Other): void {
    const counts = this.#counts.get(one) ?? new Map<Other, Count<Labels>>();
    this.#counts.set(one, counts.set(other, { labels: this.#toLabels(one, other), value: 1 }));
  }
}
