import { type Command, hintAt, OPERAND, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { print } from '../print.ts';
import { shippedGroups } from '../shipped-groups.ts';

export const groupsCommand: Command = {
  name: 'groups',
  summary: 'Lists the groups of hosts that come with the program, or the hosts of one.',
  details: `A rule takes them as hosts: ["@npm", "@debian"]. Where anybody with an account can write, the name ends in -write. The files,
with the source of each host, are in the folder groups of the program.`,
  options: {},
  operand: { value: 'NAME', about: 'print the hosts of this group, one a line' },
  execute: printGroups,
};

async function printGroups(options: OptionValues): Promise<ExitCode> {
  const groups = shippedGroups();
  const name = options[OPERAND]?.replace(/^@/, '');
  if (name === undefined) {
    await print(groups.map((group) => `${`@${group.name}`.padEnd(16)}${group.about}\n`).join(''));
    return EXIT.ok;
  }
  const group = groups.find((each) => each.name === name);
  if (!group) {
    const names = groups.map((each) => each.name);
    const hint = (await hintAt(name, names)) || '; sallyport groups lists them';
    throw new FatalError(`no group is named ${JSON.stringify(name)}${hint}`, EXIT.usage);
  }
  await print(group.hosts.map((host) => `${host}\n`).join(''));
  return EXIT.ok;
}
