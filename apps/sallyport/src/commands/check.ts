import { bindText, type Config } from '@sallyport/config';
import { groupNamed, lintReach, type Policy } from '@sallyport/policy';
import { CONFIG_OPTION, type Command, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { formatAddress } from '../listen-errors.ts';
import { lintNames } from '../lint-names.ts';
import { readSettings } from '../settings.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'Checks a configuration and exits: 0 if it is valid, 2 if not.',
  details: `Prints every problem as FILE:LINE:COL: path: message. Warns of rules that can never match, of open proxies, and of what a
list lets through that its author may not have thought of; a comment "# sallyport-ignore" on the line, or alone above it,
silences the warnings of that line.`,
  options: { config: CONFIG_OPTION },
  execute: check,
};

async function check({ config: file = '' }: OptionValues): Promise<ExitCode> {
  const result = readSettings(file, process.env);
  if (result.kind === 'invalid') {
    process.stderr.write(result.problems.map((line) => `${line}\n`).join(''));
    return EXIT.usage;
  }
  const { config, policy, warnings, tell } = result.settings;
  const meant = [...lintReach(config, policy.groups), ...(await lintNames(config, policy))];
  process.stderr.write([...warnings, ...tell(meant)].map((line) => `${line}\n`).join(''));
  process.stdout.write(`${file}: ok\n${summarise(config)}${groupsInUse(policy, config)}`);
  return EXIT.ok;
}

function summarise({ listeners, policy, admin }: Config): string {
  const doors = listeners.map(({ name, mode, bind }) => {
    const addresses = bind.map(bindText).join(', ');
    return `  listener ${name}: ${mode} on ${addresses}\n`;
  });
  const rules = policy.rules.length === 1 ? '1 rule' : `${policy.rules.length} rules`;
  const mode = policy.report_only ? ', report only' : '';
  return `${doors.join('')}  admin on ${formatAddress(admin.bind)}\n  policy: ${rules}, default ${policy.default}${mode}\n`;
}

/** Which group each host came from that stands in no rule itself. */
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
