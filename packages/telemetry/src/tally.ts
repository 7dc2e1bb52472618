/** Counts by label values, kept until they are asked for. */

interface Count<Labels> {
  readonly labels: Labels;
  value: number;
}

/** The keys stand for the label values, and are as few as they are: reasons, rules, versions. */
export class Tally<Labels> {
  readonly #counts = new Map<string, Count<Labels>>();

  /** Counts one. `labels` is asked for the first time that `key` comes up. */
  add(key: string, labels: () => Labels): void {
    const known = this.#counts.get(key);
    if (known) known.value += 1;
    else this.#counts.set(key, { labels: labels(), value: 1 });
  }

  /** Tells what was counted since the last time. */
  take(tell: (labels: Labels, count: number) => void): void {
    for (const count of this.#counts.values()) {
      if (count.value > 0) tell(count.labels, count.value);
      count.value = 0;
    }
  }
}
