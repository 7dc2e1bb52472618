/** The metrics as methods: callers never spell a metric's name or a label. */
import type { Registry } from 'prom-client';
import { EgressCounts, type EgressMetrics, type EgressReading } from './egress-metrics.ts';
import {
  createListenerMetrics,
  type ListenerMetrics,
  type ListenerReading,
  type PublishedListenerMetrics,
} from './listener-metrics.ts';
import { loadCollector, loadPromClient } from './load-library.ts';
import { declareMetrics, type MetricTable } from './metric-table.ts';
import { measureEventLoopLag } from './event-loop-lag.ts';
import { timeCollections } from './garbage-collections.ts';
import { countOpenDescriptors } from './open-descriptors.ts';
import { countCpuTime } from './process-cpu.ts';
import { type LabelledCount, Tally } from './tally.ts';

const DNS_CACHE_RESULTS = ['hit', 'miss', 'negative'] as const;
const DIAL_FAMILIES = ['ipv4', 'ipv6'] as const;
const DIAL_RESULTS = ['ok', 'refused', 'unreachable', 'timeout', 'error'] as const;
const RELOAD_RESULTS = ['success', 'failure'] as const;

export type DnsCacheResult = (typeof DNS_CACHE_RESULTS)[number];
export type DialFamily = (typeof DIAL_FAMILIES)[number];
export type DialMetricResult = (typeof DIAL_RESULTS)[number];
export type ReloadResult = (typeof RELOAD_RESULTS)[number];

export interface MetricsOptions {
  /** Sallyport's own version. */
  readonly version: string;
  /** The transport that runs. */
  readonly engine: 'native' | 'portable';
  /** Which build of the native engine that is: `built`, `none`, or a platform. */
  readonly binary: string;
}

export interface Metrics {
  /** The metrics of one listener. The same name gives the same object, so that a reload continues the counts. */
  forListener(name: string): ListenerMetrics;
  /** The metrics of one egress. */
  forEgress(name: string): EgressMetrics;
  /** These are all egresses that there are now. */
  retainEgresses(names: readonly string[]): void;
  dnsCache(result: DnsCacheResult): void;
  dialAttempt(family: DialFamily, result: DialMetricResult): void;
  /** Whether the store that counts the limits can be reached. */
  limitsStore(isUp: boolean): void;
  /** A connection was decided without the store, for it was late. */
  limitsStoreLate(): void;
  configReloaded(result: ReloadResult): void;
  /** Adds lines lost since the last call. */
  logLinesDropped(count: number): void;
  draining(isDraining: boolean): void;
  /** Calls `listener` before each scrape, so that the bytes of live tunnels since the last one are added. */
  onScrape(listener: () => void): void;
  /** The present counts, in plain numbers, without prom-client. */
  read(): MetricsReading;
  /** Everything, in the Prometheus text format. */
  scrape(): Promise<string>;
  /** The Content-Type of what `scrape` returns. */
  readonly contentType: string;
}

/** The counts since the start. */
export interface MetricsReading {
  readonly listeners: readonly ListenerReading[];
  readonly egresses: readonly EgressReading[];
  readonly dnsCache: readonly LabelledCount<{ readonly result: DnsCacheResult }>[];
  readonly dialAttempts: readonly LabelledCount<{ readonly family: DialFamily; readonly result: DialMetricResult }>[];
}

/** One registry with every metric, those of prom-client for the process and Node.js included. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { Registry } = loadPromClient();
  const registry = new Registry();
  const table = declareMetrics(registry);
  collectProcessMetrics(registry);
  showFromTheStart(table, options);

  const listeners = new Map<string, PublishedListenerMetrics>();
  const egresses = new EgressCounts(table);
  const dnsCache = new Tally((result: DnsCacheResult) => ({ result }));
  const dialAttempts = new Tally((family: DialFamily, result: DialMetricResult) => ({ family, result }));
  const beforeScrape: (() => void)[] = [];
  return {
    forListener(name) {
      const known = listeners.get(name) ?? createListenerMetrics(table, name);
      listeners.set(name, known);
      return known;
    },
    forEgress: (name) => egresses.of(name),
    retainEgresses: (names) => egresses.retain(names),
    dnsCache: (result) => dnsCache.add(result, ''),
    dialAttempt: (family, result) => dialAttempts.add(family, result),
    limitsStore: (isUp) => table.limitsStoreUp.set(isUp ? 1 : 0),
    limitsStoreLate: () => table.limitsStoreLate.inc(),
    configReloaded: (result) => countReload(table, result),
    logLinesDropped: (count) => table.logLinesDropped.inc(count),
    draining: (isDraining) => table.draining.set(isDraining ? 1 : 0),
    onScrape: (listener) => void beforeScrape.push(listener),
    read() {
      for (const listener of beforeScrape) listener();
      return {
        listeners: [...listeners.values()].map((listener) => listener.read()),
        egresses: egresses.read(),
        dnsCache: dnsCache.read(),
        dialAttempts: dialAttempts.read(),
      };
    },
    scrape() {
      for (const listener of beforeScrape) listener();
      for (const listener of listeners.values()) listener.publish();
      egresses.publish();
      dnsCache.take((labels, count) => table.dnsCache.inc(labels, count));
      dialAttempts.take((labels, count) => table.dialAttempts.inc(labels, count));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

/** The defaults of prom-client, four of them counted by us. */
function collectProcessMetrics(registry: Registry): void {
  for (const name of COLLECTORS) loadCollector(name)(registry);
  // `promtool check metrics` does not accept a gauge with the name of a counter.
  for (const name of MISNAMED_GAUGES) registry.removeSingleMetric(name);
  countCpuTime(registry);
  countOpenDescriptors(registry);
  measureEventLoopLag(registry);
  timeCollections(registry);
}

/** Those of prom-client that are used as they are. */
const COLLECTORS = [
  'processStartTime',
  'osMemoryHeap',
  'processMaxFileDescriptors',
  'processResources',
  'processHandles',
  'processRequests',
  'heapSizeAndUsed',
  'heapSpacesSizeAndUsed',
  'version',
] as const;

/** The same counts, by type, are in `nodejs_active_handles`, `nodejs_active_requests` and `nodejs_active_resources`. */
const MISNAMED_GAUGES = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

/** Each series exists, at 0, before its first event: otherwise `rate()` misses that event. */
function showFromTheStart(table: MetricTable, { version, engine, binary }: MetricsOptions): void {
  for (const result of DNS_CACHE_RESULTS) table.dnsCache.inc({ result }, 0);
  for (const family of DIAL_FAMILIES) {
    for (const result of DIAL_RESULTS) table.dialAttempts.inc({ family, result }, 0);
  }
  for (const result of RELOAD_RESULTS) table.configReloads.inc({ result }, 0);
  // As long as no store is configured, the process counts by itself.
  table.limitsStoreUp.set(1);
  // A running process has loaded its file once, though that was no reload.
  table.configReloadOk.set(1);
  table.configReloadedAt.setToCurrentTime();
  table.draining.set(0);
  table.buildInfo.set({ version, node: process.version, engine }, 1);
  table.engineBinary.set({ binary }, 1);
}

function countReload(table: MetricTable, result: ReloadResult): void {
  table.configReloads.inc({ result });
  table.configReloadOk.set(result === 'success' ? 1 : 0);
  if (result === 'success') table.configReloadedAt.setToCurrentTime();
}
