/** Reads the command line: which command, with which options, or what is wrong with it. */
import { parseArgs } from 'node:util';
import { EXIT, type ExitCode, FatalError } from './exit.ts';

/** An option that takes a value, such as `--config FILE`. Given twice, the last one counts. */
export interface OptionSpec {
  readonly value: string;
  readonly about: string;
  readonly isRequired: boolean;
}

/** The option that most commands need. */
export const CONFIG_OPTION: OptionSpec = { value: 'FILE', about: 'the configuration, in YAML', isRequired: true };

export type OptionValues = Readonly<Record<string, string | undefined>>;

export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** What `--help` adds below the options. */
  readonly details: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  execute(options: OptionValues): Promise<ExitCode>;
}

export type Asked =
  | { readonly kind: 'version' | 'nothing' }
  | { readonly kind: 'help'; readonly command?: Command }
  | { readonly kind: 'command'; readonly command: Command; readonly options: OptionValues };

/** Throws a FatalError with exit code 2 on anything it does not know. */
export function readCommandLine(args: readonly string[], commands: readonly Command[]): Asked {
  const [first, ...rest] = args;
  if (first === undefined) return { kind: 'nothing' };
  if (first === '--version' || first === '-V') return { kind: 'version' };
  if (first === '--help' || first === '-h' || first === 'help') return { kind: 'help' };
  const command = commands.find(({ name }) => name === first);
  if (!command) {
    const names = commands.map(({ name }) => name).join(', ');
    throw new FatalError(`unknown command "${first}"; the commands are ${names} (see sallyport --help)`, EXIT.usage);
  }
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', command };
  return { kind: 'command', command, options: readOptions(command, rest) };
}

function readOptions(command: Command, args: readonly string[]): OptionValues {
  const wrong = (what: string): FatalError =>
    new FatalError(`${what} (see sallyport ${command.name} --help)`, EXIT.usage);
  const known = Object.keys(command.options).map((name) => [name, { type: 'string' }] as const);
  const { tokens } = parseArgs({ args: [...args], options: Object.fromEntries(known), strict: false, tokens: true });
  const values: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') throw wrong(`unexpected argument "${token.value}"`);
    if (token.kind === 'option-terminator') continue;
    const spec = command.options[token.name];
    if (!spec) throw wrong(`unknown option ${token.rawName}`);
    if (token.value === undefined || token.value === '') throw wrong(`--${token.name} needs a ${spec.value}`);
    values[token.name] = token.value;
  }
  const missing = Object.entries(command.options).find(([name, { isRequired }]) => isRequired && !(name in values));
  if (missing) throw wrong(`sallyport ${command.name} needs --${missing[0]} ${missing[1].value}`);
  return values;
}

export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n');
  return `Sallyport: a guarded way out of a network for HTTPS.

Usage: sallyport COMMAND [OPTIONS]

Commands:
${rows}

  --version prints the version; --help, also behind a command, prints help.
`;
}

export function helpOf(command: Command): string {
  const specs = Object.entries(command.options);
  const usage = specs.map(([name, { value, isRequired }]) =>
    isRequired ? `--${name} ${value}` : `[--${name} ${value}]`,
  );
  const rows = specs.map(([name, { value, about }]) => `  ${`--${name} ${value}`.padEnd(22)}${about}\n`).join('');
  return `Usage: sallyport ${[command.name, ...usage].join(' ')}

${command.summary}
${rows && `\nOptions:\n${rows}`}
${command.details}
`;
}
