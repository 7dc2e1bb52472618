/** The destinations of the log, with the certificates of collectors. Read at the start, by `check` and by every reload. */
import { resolve } from 'node:path';
import type { Config, Problem } from '@sallyport/config';
import type { CollectorTls, LoggerOptions } from '@sallyport/telemetry';
import { readTlsTrust } from './tls-trusts.ts';

export interface LogOptionsResult {
  /** May be used only where no problem is an error. */
  readonly logOptions: LoggerOptions;
  readonly problems: readonly Problem[];
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
