/** The destinations of the log, with the certificates of collectors. Read at the start, by `check` and by every reload. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config, Problem } from '@sallyport/config';
import type { CollectorTls, LoggerOptions } from '@sallyport/telemetry';
import { readTlsTrust } from './tls-trusts.ts';

export interface LogOptionsResult {
  /** May be used only where no problem is an error. */
  readonly logOptions: LoggerOptions;
  readonly problems: readonly Problem[];
}

/**
 * The log is appended to its file, which must be none of those that are read.
 * @param files the configuration, and those that it names
 * @param folder the configuration's own: paths are relative to it
 */
export function checkLogFile({ log }: Config, files: readonly string[], folder: string): readonly Problem[] {
  if (log.file === null) return [];
  const place = placeOf(resolve(folder, log.file));
  const same = place && files.find((file) => placeOf(file) === place);
  if (same === undefined) return [];
  const message = `${log.file} is ${same}, which is read as configuration, and the log would be appended to it; name another file`;
  return [{ severity: 'error', path: ['log', 'file'], message }];
}

/** The same for every name of a file; undefined where there is none, or it cannot be examined: using it reports the error. */
function placeOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

/** @param folder the configuration's own: paths are relative to it */
export function readLogOptions({ log }: Config, folder: string): LogOptionsResult {
  const problems: Problem[] = [];
  const tlsOf = (collector: 'syslog' | 'otlp', ca: string | undefined): CollectorTls => {
    const { pem, problems: found } = readTlsTrust(ca, folder, ['log', collector, 'ca']);
    problems.push(...found);
    return { ca: pem };
  };
  const { level, format, file, syslog, otlp } = log;
  const logOptions: LoggerOptions = {
    level,
    format,
    file: file === null ? null : resolve(folder, file),
    syslog: syslog && {
      host: syslog.address.host,
      port: syslog.address.port,
      ...(syslog.address.isTls && { tls: tlsOf('syslog', syslog.ca) }),
    },
    otlp: otlp && {
      endpoint: otlp.endpoint,
      headers: otlp.headers,
      ...(otlp.endpoint.startsWith('https:') && { tls: tlsOf('otlp', otlp.ca) }),
    },
  };
  return { logOptions, problems };
}
