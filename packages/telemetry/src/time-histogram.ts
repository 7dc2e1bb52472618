/**
 * A histogram of times by one label: by listener, updated for every tunnel, or by kind of garbage collection.
 *
 * prom-client's histogram formats the bound to find its bucket, which costs a microsecond an observation, four times a tunnel. This one
 * counts in flat memory, and becomes a metric of prom-client's registry only at a scrape.
 */
import type { Registry } from 'prom-client';

/** For each bound, and beyond the last, how many times were no longer; then the sum of all times, in seconds. */
export interface TimeReading {
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
  readonly sum: number;
}

/** The times of one value of the label. */
export class TimeSeries {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  read(): TimeReading {
    let total = 0;
    return { bounds: this.#bounds, cumulative: Array.from(this.#counts, (count) => (total += count)), sum: this.#sum };
  }
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface TimeHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** In seconds, ascending. */
  readonly bounds: readonly number[];
}

/** A metric with exactly what prom-client's registry reads. */
export class TimeHistogram {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #label: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, TimeSeries>();

  constructor({ name, help, label, bounds }: TimeHistogramOptions) {
    this.name = name;
    this.help = help;
    this.#label = label;
    this.#bounds = bounds;
  }

  registerIn(registry: Registry): this {
    // Its types only allow metrics of its own classes.
    registry.registerMetric(this as unknown as Parameters<Registry['registerMetric']>[0]);
    return this;
  }

  /** The same value of the label gives the same object. The series exists, at 0, from the first call on. */
  of(value: string): TimeSeries {
    const known = this.#series.get(value) ?? new TimeSeries(this.#bounds);
    this.#series.set(value, known);
    return known;
  }

  get(): { name: string; help: string; type: string; aggregator: 'sum'; values: readonly Sample[] } {
    const { name, help, type } = this;
    const values = [...this.#series].flatMap(([value, series]) => this.#samples({ [this.#label]: value }, series));
    return { name, help, type, aggregator: 'sum', values };
  }

  #samples(labels: Readonly<Record<string, string>>, series: TimeSeries): readonly Sample[] {
    const { cumulative, sum } = series.read();
    const bounds = [...this.#bounds, '+Inf'];
    const buckets = bounds.map((le, bucket) => ({
      metricName: `${this.name}_bucket`,
      labels: { le, ...labels },
      value: cumulative[bucket] ?? 0,
    }));
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: cumulative.at(-1) ?? 0 },
    ];
  }
}
