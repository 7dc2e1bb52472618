/** The information for operators: log, metrics and the admin server. */
export { loadHttp } from './load-library.ts';
export { escapeControls } from './log/escape-controls.ts';
export type { LiveLine, Outcome, TunnelLine } from './log/fields.ts';
export type { CollectorTls } from './log/collectors/collector-sink.ts';
export { logLineSchema } from './log/line-schema.ts';
export { wordCause } from './log/word-cause.ts';
export { createLogger, type Logger, type LoggerOptions, type LogLevel } from './log/logger.ts';
export {
  createMetrics,
  type DialFamily,
  type DialMetricResult,
  type Metrics,
  type MetricsReading,
  type ReloadResult,
} from './metrics.ts';
export type { EgressMetrics, EgressReading } from './egress-metrics.ts';
export { readMediaRanges, weightOf } from './media-ranges.ts';
export type { ListenerMetrics, ListenerReading, SniCheckResult } from './listener-metrics.ts';
export type { TimeReading } from './time-histogram.ts';
export { type AdminAddress, AdminListenError } from './admin/listen-error.ts';
export type { AdminReply, AdminRequest, AdminRoute } from './admin/routes.ts';
export { Turns } from './admin/turns.ts';
export { type AdminServer, startAdminServer } from './admin/server.ts';
