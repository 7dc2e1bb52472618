/**
 * `nodejs_eventloop_lag_*`. prom-client's own wake an idle process a hundred times a second, which is most of what it costs, and count the
 * span between two samples as lag: a loop that is never late has 10 ms there.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Gauge, Registry } from 'prom-client';
import { loadPromClient } from './load-library.ts';

/** A wake-up costs an idle process up to 300 µs. A loop that is late for a tenth of the time is still seen within seconds. */
const SAMPLE_MS = 250;
/** A process that does nothing is not late. */
const IDLE_SAMPLE_MS = 2_000;
/** Of one core. */
const IDLE_SHARE = 0.01;

const NAMES = {
  now: 'nodejs_eventloop_lag_seconds',
  min: 'nodejs_eventloop_lag_min_seconds',
  max: 'nodejs_eventloop_lag_max_seconds',
  mean: 'nodejs_eventloop_lag_mean_seconds',
  stddev: 'nodejs_eventloop_lag_stddev_seconds',
  p50: 'nodejs_eventloop_lag_p50_seconds',
  p90: 'nodejs_eventloop_lag_p90_seconds',
  p99: 'nodejs_eventloop_lag_p99_seconds',
} as const;

/** Declares the gauges in `registry`. Each scrape tells of the time since the one before. */
export function measureEventLoopLag(registry: Registry): void {
  // In nanoseconds, from 1 on.
  const lateness = createHistogram();
  sampleLateness(lateness);
  const prometheus = loadPromClient();
  const gauge = (name: string, help: string): Gauge => new prometheus.Gauge({ name, help, registers: [registry] });
  // The first of them, for a scrape collects in this order.
  new prometheus.Gauge({
    name: NAMES.now,
    help: 'How late the event loop is now.',
    registers: [registry],
    async collect() {
      // Where nothing was sampled since the last scrape, what was known then is still the newest.
      if (lateness.count > 0) publish();
      this.set(await latenessNow());
    },
  });
  const min = gauge(NAMES.min, 'The least that the event loop was late.');
  const max = gauge(NAMES.max, 'The most that the event loop was late.');
  const mean = gauge(NAMES.mean, 'How late the event loop was, on average.');
  const stddev = gauge(NAMES.stddev, 'The standard deviation of how late the event loop was.');
  const p50 = gauge(NAMES.p50, 'Half of the times, the event loop was no later than this.');
  const p90 = gauge(NAMES.p90, 'Nine of ten times, the event loop was no later than this.');
  const p99 = gauge(NAMES.p99, 'Ninety-nine of a hundred times, the event loop was no later than this.');

  function publish(): void {
    min.set(lateness.min / 1e9);
    max.set(lateness.max / 1e9);
    mean.set(lateness.mean / 1e9);
    stddev.set(lateness.stddev / 1e9);
    p50.set(lateness.percentile(50) / 1e9);
    p90.set(lateness.percentile(90) / 1e9);
    p99.set(lateness.percentile(99) / 1e9);
    lateness.reset();
  }
}

/** Records how late each of a chain of timers is. */
function sampleLateness(lateness: RecordableHistogram): void {
  let dueAt = 0;
  let lastAt = performance.now();
  let lastUse = usedMicroseconds();
  const begin = (spanMs: number): void => {
    dueAt = performance.now() + spanMs;
    setTimeout(sample, spanMs).unref();
  };
  const sample = (): void => {
    const now = performance.now();
    lateness.record(Math.max(1, Math.round((now - dueAt) * 1e6)));
    const use = usedMicroseconds();
    const isIdle = use - lastUse < IDLE_SHARE * (now - lastAt) * 1_000;
    [lastAt, lastUse] = [now, use];
    begin(isIdle ? IDLE_SAMPLE_MS : SAMPLE_MS);
  };
  begin(SAMPLE_MS);
}

/** CPU time of the process. */
function usedMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function latenessNow(): Promise<number> {
  const askedAt = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - askedAt) / 1000)));
}
