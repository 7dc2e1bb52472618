/** Reads the program's own help, from which manual pages and completions are made. */
import { execFileSync } from 'node:child_process';

export interface OptionHelp {
  readonly name: string;
  /** The placeholder of its value, such as FILE. */
  readonly value: string;
  readonly about: string;
}

export interface CommandHelp {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionHelp[];
  readonly details: string;
}

export interface ProgramHelp {
  readonly version: string;
  readonly about: string;
  readonly commands: readonly CommandHelp[];
  /** The JSON Schema of the configuration. */
  readonly schema: unknown;
}

/** Runs the program in this folder. */
export function readHelp(program: string): ProgramHelp {
  const ask = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [`${program}/bin/sallyport.js`, ...args], { encoding: 'utf8' });
  const overview = ask('--help');
  const names = [...overview.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1] ?? '');
  return {
    version: ask('--version').trim().replace('sallyport ', ''),
    about: overview.split('\n')[0] ?? '',
    commands: names.map((name) => readCommand(name, ask(name, '--help'))),
    schema: JSON.parse(ask('schema')) as unknown,
  };
}

function readCommand(name: string, text: string): CommandHelp {
  const [usage = '', summary = '', ...rest] = text.trimEnd().split('\n\n');
  const listed = rest[0]?.startsWith('Options:\n') ? rest.shift() : undefined;
  return {
    name,
    usage: usage.replace('Usage: ', ''),
    summary,
    options: [...(listed ?? '').matchAll(/^ {2}--([a-z-]+)(?: (\S+))? {2,}(.+)$/gm)].map(
      ([, option = '', value = '', about = '']) => ({ name: option, value, about }),
    ),
    details: rest.join('\n\n'),
  };
}
