import { type Command, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { print } from '../print.ts';
import { readStarter, STARTERS } from '../starters.ts';

const rows = STARTERS.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n');

export const initCommand: Command = {
  name: 'init',
  summary: 'Prints a commented configuration to start from.',
  details: `Uses:
${rows}

Keep it with: sallyport init --for agents > sallyport.yaml`,
  options: {
    for: {
      value: STARTERS.map(({ name }) => name).join('|'),
      about: 'what the proxy is to be used for',
      isRequired: true,
    },
  },
  execute: printStarter,
};

async function printStarter({ for: use = '' }: OptionValues): Promise<ExitCode> {
  const starter = STARTERS.find(({ name }) => name === use);
  if (!starter) {
    const names = STARTERS.map(({ name }) => name).join(', ');
    throw new FatalError(`nothing to start from is named ${JSON.stringify(use)}; name one of ${names}`, EXIT.usage);
  }
  await print(readStarter(starter));
  return EXIT.ok;
}
