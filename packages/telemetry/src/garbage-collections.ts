/** `nodejs_gc_duration_seconds`. prom-client's own counts one collection of each turn of the event loop, however many there were. */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import type { Registry } from 'prom-client';
import { TimeHistogram, type TimeSeries } from './time-histogram.ts';

const {
  NODE_PERFORMANCE_GC_MAJOR,
  NODE_PERFORMANCE_GC_MINOR,
  NODE_PERFORMANCE_GC_INCREMENTAL,
  NODE_PERFORMANCE_GC_WEAKCB,
} = constants;

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** In seconds: those of prom-client. */
const BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5];

/** Declares the histogram in `registry`. Each kind has a series from its first collection on. */
export function timeCollections(registry: Registry): void {
  const help = 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.';
  const histogram = new TimeHistogram({ name: 'nodejs_gc_duration_seconds', help, label: 'kind', bounds: BOUNDS });
  histogram.registerIn(registry);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seriesOf(histogram, entry)?.observe(entry.duration / 1000);
  }).observe({ type: 'gc' });
}

/** What Node.js adds to the entries of this type. */
type Collection = PerformanceEntry & { readonly detail?: { readonly kind?: unknown } };

/** Undefined for a kind that this version of Node.js has and we do not know. */
function seriesOf(histogram: TimeHistogram, entry: Collection): TimeSeries | undefined {
  const kind = KINDS.get(entry.detail?.kind);
  return kind === undefined ? undefined : histogram.of(kind);
}
