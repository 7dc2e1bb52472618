/** Converts the metrics from the Prometheus text format to OpenMetrics 1.0. Both have the same samples. */
import { readMediaRanges } from '../media-ranges.ts';

/** The Content-Type of what {@link toOpenMetrics} returns. */
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const [MEDIA_TYPE = ''] = OPEN_METRICS_TYPE.split(';');

/** True where an Accept field prefers OpenMetrics 1.0, or accepts both equally. A client that names neither gets the text format. */
export function acceptsOpenMetrics(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = readMediaRanges(accept);
  const weights = ranges.map(({ type, parameters, weight }) => {
    const isOurs = type === MEDIA_TYPE && (parameters.get('version') ?? VERSION) === VERSION;
    return { openMetrics: isOurs ? weight : 0, text: type === 'text/plain' ? weight : 0 };
  });
  const best = Math.max(...weights.map(({ openMetrics }) => openMetrics));
  return best > 0 && best >= Math.max(...weights.map(({ text }) => text));
}

const VERSION = '1.0.0';

/**
 * Turns the text format into OpenMetrics. The differences: a counter's family is named without the `_total` of its samples, a help
 * text escapes quotation marks too, the bounds of buckets are floats in their spelling, no line is empty, and the end is marked.
 */
export function toOpenMetrics(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const counters = new Set(lines.map((line) => /^# TYPE (\S+) counter$/.exec(line)?.[1]));
  return `${lines.map((line) => toOpenMetricsLine(line, counters)).join('\n')}\n# EOF\n`;
}

function toOpenMetricsLine(line: string, counters: ReadonlySet<string | undefined>): string {
  const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
  if (keyword === undefined) return line.replace(WHOLE_BOUND, 'le="$1.0"');
  const family = counters.has(name) ? name.replace(/_total$/, '') : name;
  return `# ${keyword} ${family} ${keyword === 'HELP' ? rest.replaceAll('"', String.raw`\"`) : rest}`;
}

/** A bucket's bound without a fraction: it is spelled as a float (OpenMetrics 1.0, "Canonical Numbers"). */
const WHOLE_BOUND = /\ble="(\d+)"/;
