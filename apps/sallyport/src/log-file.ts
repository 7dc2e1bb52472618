/** Keeps the log from being appended to a file of the configuration. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config, Problem } from '@sallyport/config';

/**
 * Reports a log file that is one of those that are read.
 * @param files the configuration, and those that it names
 * @param folder the configuration's own: paths are relative to it
 */
export function checkLogFile({ log }: Config, files: readonly string[], folder: string): readonly Problem[] {
  if (log.file === null) return [];
  const place = placeOf(resolve(folder, log.file));
  const same = place && files.find((file) => placeOf(file) === place);
  if (same === undefined) return [];
  const message = `the log would be appended to ${same}, which is read as configuration; name another file`;
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
