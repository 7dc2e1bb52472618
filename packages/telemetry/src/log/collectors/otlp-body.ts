/**
 * Lines as an ExportLogsServiceRequest in JSON (OTLP 1.x, protobuf's JSON mapping). Our own, for it is one page. The packages of
 * OpenTelemetry have queues, timers and a context of their own, so we could no longer bound the queue and count the drops.
 */
import { hostname } from 'node:os';
import { parseCollected } from './collected-line.ts';

/** @param lines in JSON */
export function otlpBody(lines: readonly string[]): string {
  return JSON.stringify({
    resourceLogs: [
      { resource: RESOURCE, scopeLogs: [{ scope: { name: 'sallyport' }, logRecords: lines.map(recordOf) }] },
    ],
  });
}

function recordOf(json: string): unknown {
  const { level, time, msg, fields } = parseCollected(json);
  const timeUnixNano = `${Date.parse(time)}000000`;
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: SEVERITY_NUMBERS[level] ?? SEVERITY_NUMBERS.info,
    severityText: level,
    body: { stringValue: msg },
    attributes: attributesOf(fields),
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

function attributesOf(fields: Readonly<Record<string, unknown>>): readonly KeyValue[] {
  return Object.entries(fields).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      // 64-bit integers are text in protobuf's JSON.
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    case 'object':
      if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
      return value === null ? {} : { kvlistValue: { values: attributesOf(Object.fromEntries(Object.entries(value))) } };
    default:
      return {};
  }
}

/** From the data model of logs ("Field: SeverityNumber"). */
const SEVERITY_NUMBERS: Readonly<Record<string, number>> & { readonly info: number } = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};

const RESOURCE = {
  attributes: attributesOf({ 'service.name': 'sallyport', 'host.name': hostname(), 'process.pid': process.pid }),
};
