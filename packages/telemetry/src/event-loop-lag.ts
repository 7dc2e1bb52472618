/**
 * `nodejs_eventloop_lag_*`. prom-client's own wake an idle process a hundred times a second, which is most of what it costs, and count the
 * span between two samples as lag: a loop that is never late has 10 ms there.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Gauge, Registry } from 'prom-client';
import { loadPromClient } from './load-library.ts';

/** A wake-up costs an idle process up to 60 µs. A loop that is late for a tenth of the time is still seen within seconds. */
const SAMPLE_MS = 250;
const SAMPLE_NS = SAMPLE_MS * 1e6;

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
  const delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  delay.enable();
  const prometheus = loadPromClient();
  const gauge = (name: string, help: string): Gauge => new prometheus.Gauge({ name, help, registers: [registry] });
  // The first of them, for a scrape collects in this order.
  new prometheus.Gauge({
    name: NAMES.now,
    help: 'How late the event loop is now.',
    registers: [registry],
    async collect() {
      // Where nothing was sampled since the last scrape, what was known then is still the newest.
      if (delay.count > 0) publish();
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
    min.set(lateness(delay.min));
    max.set(lateness(delay.max));
    mean.set(lateness(delay.mean));
    stddev.set(delay.stddev / 1e9);
    p50.set(lateness(delay.percentile(50)));
    p90.set(lateness(delay.percentile(90)));
    p99.set(lateness(delay.percentile(99)));
    delay.reset();
  }
}

/** In seconds. Node.js tells the span between two samples, which are SAMPLE_MS apart when the loop is in time. */
function lateness(betweenSamplesNs: number): number {
  return Math.max(0, betweenSamplesNs - SAMPLE_NS) / 1e9;
}

function latenessNow(): Promise<number> {
  const askedAt = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - askedAt) / 1000)));
}
