/**
 * Samples the counters every five seconds and keeps fifteen minutes of them, so that the charts are complete when the page is opened.
 * A sample costs one pass over the byte counts of live tunnels, and nothing in a tunnel's set-up.
 */
import type { ListenerReading, MetricsReading, TimeReading } from '@sallyport/telemetry';

export const SAMPLE_MS = 5_000;
const SAMPLES = (15 * 60_000) / SAMPLE_MS;
/** How many samples the times of look-ups and dials cover: five minutes. */
const RECENT_SAMPLES = 60;

interface Sample {
  readonly at: number;
  readonly doors: ReadonlyMap<string, DoorSample>;
  readonly resolve: readonly number[];
  readonly connect: readonly number[];
}

interface DoorSample {
  readonly tunnels: number;
  readonly set_ups: number;
  readonly bytes_up: number;
  readonly bytes_down: number;
  readonly refused: number;
}

/** One door's entries, one for each sample: `tunnels` as a number, the others per second. */
export type DoorHistory = Record<keyof DoorSample, number[]>;

/** In seconds; left out where nothing was measured. */
export interface Percentiles {
  readonly p50?: number;
  readonly p99?: number;
}

export class TrafficHistory {
  readonly #read: () => MetricsReading;
  readonly #isWanted: () => boolean;
  readonly #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param isWanted called before each sample: none is taken, and none is kept, where the status page is off */
  constructor(read: () => MetricsReading, isWanted: () => boolean) {
    this.#read = read;
    this.#isWanted = isWanted;
  }

  start(): void {
    this.#take();
    this.#timer = setInterval(() => this.#take(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** By the name of the listener; the oldest sample first. */
  doors(): ReadonlyMap<string, DoorHistory> {
    const names = new Set(this.#samples.flatMap(({ doors }) => [...doors.keys()]));
    return new Map([...names].map((name) => [name, this.#historyOf(name)]));
  }

  /** Of look-ups, or of dials, in the last five minutes. */
  percentiles(of: 'resolve' | 'connect', reading: MetricsReading): Percentiles {
    const now = sumTimes(reading.listeners, of);
    const before = this.#samples.at(-RECENT_SAMPLES)?.[of] ?? this.#samples[0]?.[of] ?? [];
    const cumulative = now.map((count, bucket) => count - (before[bucket] ?? 0));
    const bounds = reading.listeners[0]?.[`${of}Seconds`].bounds ?? [];
    if ((cumulative.at(-1) ?? 0) === 0) return {};
    return { p50: quantile(0.5, bounds, cumulative), p99: quantile(0.99, bounds, cumulative) };
  }

  #take(): void {
    if (!this.#isWanted()) {
      this.#samples.length = 0;
      return;
    }
    const { listeners } = this.#read();
    this.#samples.push({
      at: performance.now(),
      doors: new Map(listeners.map((reading) => [reading.listener, doorSample(reading)])),
      resolve: sumTimes(listeners, 'resolve'),
      connect: sumTimes(listeners, 'connect'),
    });
    // One more sample than intervals.
    if (this.#samples.length > SAMPLES + 1) this.#samples.shift();
  }

  #historyOf(name: string): DoorHistory {
    const history: DoorHistory = { tunnels: [], set_ups: [], bytes_up: [], bytes_down: [], refused: [] };
    for (const [index, sample] of this.#samples.entries()) {
      const before = this.#samples[index - 1];
      if (before) addInterval(history, { name, before, sample });
    }
    return history;
  }
}

interface Interval {
  readonly name: string;
  readonly before: Sample;
  readonly sample: Sample;
}

function addInterval(history: DoorHistory, { name, before, sample }: Interval): void {
  const now = sample.doors.get(name) ?? NOTHING;
  const then = before.doors.get(name) ?? NOTHING;
  const seconds = (sample.at - before.at) / 1000;
  history.tunnels.push(now.tunnels);
  for (const key of ['set_ups', 'bytes_up', 'bytes_down', 'refused'] as const) {
    history[key].push(Math.round(((now[key] - then[key]) / seconds) * 10) / 10);
  }
}

const NOTHING: DoorSample = { tunnels: 0, set_ups: 0, bytes_up: 0, bytes_down: 0, refused: 0 };

function doorSample(reading: ListenerReading): DoorSample {
  const { tunnels, setUps, bytesUp, bytesDown } = reading;
  return { tunnels, set_ups: setUps, bytes_up: bytesUp, bytes_down: bytesDown, refused: refusedOf(reading) };
}

/** How many connections of a door were refused so far. */
export function refusedOf({ ends }: ListenerReading): number {
  return ends.reduce((sum, { labels, count }) => (labels.outcome === 'refused' ? sum + count : sum), 0);
}

function sumTimes(listeners: readonly ListenerReading[], of: 'resolve' | 'connect'): readonly number[] {
  const all = listeners.map((listener): TimeReading => listener[`${of}Seconds`]);
  const [first] = all;
  return (first?.cumulative ?? []).map((_, bucket) =>
    all.reduce((sum, times) => sum + (times.cumulative[bucket] ?? 0), 0),
  );
}

/** As Prometheus' `histogram_quantile`: values are evenly spread within a bucket. A value beyond the last bound counts as that bound. */
export function quantile(share: number, bounds: readonly number[], cumulative: readonly number[]): number {
  const rank = share * (cumulative.at(-1) ?? 0);
  const bucket = cumulative.findIndex((count) => count >= rank);
  const upper = bounds[bucket] ?? bounds.at(-1) ?? 0;
  const lower = bucket === 0 ? 0 : (bounds[bucket - 1] ?? upper);
  const below = bucket === 0 ? 0 : (cumulative[bucket - 1] ?? 0);
  const within = (cumulative[bucket] ?? 0) - below;
  return bucket >= bounds.length || within === 0 ? upper : lower + ((upper - lower) * (rank - below)) / within;
}
