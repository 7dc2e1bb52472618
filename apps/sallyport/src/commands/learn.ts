import { type GroupBy, proposePolicy, Seen } from '@sallyport/policy';
import type { Command, OptionLists, OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { LOG_OPTION, readLogs } from '../log-files.ts';
import { print } from '../print.ts';

export const learnCommand: Command = {
  name: 'learn',
  summary: 'Prints a policy that allows what access logs have seen, each entry with a comment.',
  details: `The policy goes to standard output, ready for the configuration file; read it before you use it. It allows what was
asked for, denied or not: run a while with policy.report_only: true, then learn from that log. Private addresses, names
that lead to them and the metadata services of clouds are never proposed, and listed in comments.`,
  options: {
    log: LOG_OPTION,
    by: { value: 'user|client|listener', about: 'rules for each of them', isRequired: false },
    fold: { value: 'N', about: 'N names below one suffix become *.suffix; never a public suffix', isRequired: false },
  },
  execute: learn,
};

async function learn({ by, fold }: OptionValues, { log = [] }: OptionLists): Promise<ExitCode> {
  const options = { by: readBy(by), foldAt: readFold(fold) };
  const seen = new Seen(options.by);
  const { lines } = await readLogs(log, (entry) => seen.note(entry));
  await print(`# Learned from ${seen.lines} of ${lines} lines.\n`);
  let text = '';
  for (const line of proposePolicy(seen, options)) {
    text += `${line}\n`;
    if (text.length < 65_536) continue;
    // Waits for a slow reader: a million lines would be a hundred mebibytes in the queue.
    await print(text);
    text = '';
  }
  await print(text);
  return EXIT.ok;
}

function readBy(by: string | undefined): GroupBy {
  if (by === undefined) return 'nothing';
  if (by === 'user' || by === 'client' || by === 'listener') return by;
  throw new FatalError(`--by ${by} is none of user, client, listener (see sallyport learn --help)`, EXIT.usage);
}

function readFold(fold: string | undefined): number | undefined {
  if (fold === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(fold) && Number(fold) >= 2) return Number(fold);
  throw new FatalError(`--fold ${fold} is no number of 2 or more (see sallyport learn --help)`, EXIT.usage);
}
