import { type Config, escapeControls } from '@sallyport/config';
import { groupNamed, lintReach, type Policy } from '@sallyport/policy';
import { CONFIG_OPTION, type Command, type OptionLists, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { formatBind } from '../format-bind.ts';
import { LOG_OPTION } from '../log-files.ts';
import { lintMachine } from '../lint-machine.ts';
import { lintNames } from '../lint-names.ts';
import { print, printError, toText } from '../print.ts';
import { readSettings } from '../settings.ts';
import { summaryTables } from '../summary-table.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'Checks a configuration and exits: 0 if it is valid, 2 if not.',
  details: `Runs the tests of the file. Prints every problem as FILE:LINE:COL: path: message, and the line with a caret. Warns of
rules that can never match, of open proxies, and of what a list lets through that its author may not have thought of; a
comment "# sallyport-ignore" on the line, or alone above it, silences the warnings of that line.`,
  options: {
    config: CONFIG_OPTION,
    against: { value: 'OLD', about: 'tells which tests are decided otherwise than by this file', isRequired: false },
    log: {
      ...LOG_OPTION,
      about: `with --against, which of their requests, too: ${LOG_OPTION.about}`,
      isRequired: false,
    },
  },
  execute: check,
};

async function check({ config: file = '', against }: OptionValues, { log = [] }: OptionLists): Promise<ExitCode> {
  if (against === undefined && log.length > 0) {
    throw new FatalError('--log says nothing without --against OLD (see sallyport check --help)', EXIT.usage);
  }
  const result = readSettings(file, process.env, { showsLines: true });
  if (result.kind === 'invalid') {
    await printError(toText(result.problems));
    if (against !== undefined) await compare(file, against, log);
    return EXIT.usage;
  }
  const { config, policy, warnings, tell } = result.settings;
  const meant = [
    ...lintReach(config, policy.groups),
    ...(await lintNames(config, policy)),
    ...(await lintMachine(result.settings)),
  ];
  await printError(toText([...warnings, ...tell(meant)]));
  await print(
    `${escapeControls(file)}: ok\n${summarise(config)}${groupsInUse(policy, config)}\n${summaryTables(config, policy)}`,
  );
  return against === undefined || (await compare(file, against, log)) ? EXIT.ok : EXIT.usage;
}

/**
 * Prints what the two files decide differently. The files' tests need not pass: they are part of the comparison. False where a file is
 * invalid.
 */
async function compare(file: string, against: string, logs: readonly string[]): Promise<boolean> {
  const [before, after] = [against, file].map((name) => readSettings(name, process.env, { runsTests: false }));
  if (before?.kind === 'invalid') await printError(toText(before.problems));
  if (before?.kind !== 'ok' || after?.kind !== 'ok') return false;
  const { compareSettings } = await import('../compare-settings.ts');
  const lines = await compareSettings({ before: before.settings, after: after.settings }, logs);
  const told = lines.length > 0 ? lines : ['nothing is decided otherwise'];
  await print(`against ${escapeControls(against)}:\n${toText(told.map((line) => `  ${escapeControls(line)}`))}`);
  return true;
}

function summarise({ policy, admin, tests }: Config): string {
  const rules = policy.rules.length === 1 ? '1 rule' : `${policy.rules.length} rules`;
  const mode = policy.report_only ? ', report only' : '';
  const passed = tests.length === 0 ? '' : `  tests: ${tests.length} passed\n`;
  return `  admin on ${escapeControls(formatBind(admin.bind))}\n  policy: ${rules}, default ${policy.default}${mode}\n${passed}`;
}

/** The hosts of each group that a rule uses. */
function groupsInUse({ rules, groups }: Policy, { policy }: Config): string {
  return policy.rules
    .flatMap(({ hosts = [], action }, number) =>
      hosts.flatMap((text) => {
        const group = groupNamed(text);
        const listed = group === undefined ? undefined : groups.get(group);
        return listed
          ? [
              `  rule ${rules[number]?.name ?? ''} ${action === 'deny' ? 'denies' : 'allows'} ${text}: ${listed.join(', ')}\n`,
            ]
          : [];
      }),
    )
    .join('');
}
