import { readDuration } from '@sallyport/config';
import { Summariser } from '@sallyport/policy';
import type { Command, OptionLists, OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { LOG_OPTION, readLogs } from '../log-files.ts';
import { print } from '../print.ts';
import { SUMMARY_FORMATS } from '../summary-formats.ts';

export const summaryCommand: Command = {
  name: 'summary',
  summary: 'Counts what access logs say was allowed and denied, and shows the rule that would allow each denied one.',
  details: `By host, rule, user and client, the most frequent first. markdown is for the summary of a CI job; json has everything,
the others the first 25 of each list.`,
  options: {
    log: LOG_OPTION,
    format: { value: 'text|json|markdown', about: 'left out: text', isRequired: false },
    since: { value: 'DURATION', about: 'only what ended since then: 30m, 1h', isRequired: false },
  },
  execute: summarise,
};

async function summarise({ format = 'text', since }: OptionValues, { log = [] }: OptionLists): Promise<ExitCode> {
  const write = Object.hasOwn(SUMMARY_FORMATS, format) ? SUMMARY_FORMATS[format] : undefined;
  if (!write) {
    const known = Object.keys(SUMMARY_FORMATS).join(', ');
    throw new FatalError(`--format ${format} is none of ${known} (see sallyport summary --help)`, EXIT.usage);
  }
  const sinceMs = since === undefined ? -Infinity : Date.now() - readSince(since);
  const summariser = new Summariser();
  await readLogs(log, (entry) => {
    if (sinceMs === -Infinity || (entry.timeMs ?? -Infinity) >= sinceMs) summariser.note(entry);
  });
  await print(write(summariser.summary()));
  return EXIT.ok;
}

function readSince(since: string): number {
  const duration = readDuration(since);
  if (duration.kind === 'ok') return duration.value;
  throw new FatalError(`--since: ${duration.why} (see sallyport summary --help)`, EXIT.usage);
}
