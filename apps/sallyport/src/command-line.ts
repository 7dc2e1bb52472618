/** Parses the command line into a command and its options, or an error. */
import { parseArgs } from 'node:util';
import { EXIT, type ExitCode, FatalError } from './exit.ts';

/** An option such as `--config FILE`. */
export interface OptionSpec {
  /** The placeholder of its value. Left out for an option without a value: `execute` sees whether it was given. */
  readonly value?: string;
  readonly about: string;
  readonly isRequired: boolean;
  /** May have several values, as `--log A B` or `--log A --log B`. */
  readonly isMany?: boolean;
  /** May be given again, and the last one counts: `npm start -- --config FILE` adds to a command line that has one. */
  readonly isReplaceable?: boolean;
}

/** An argument without an option, as NAME in `sallyport groups NAME`. */
export interface OperandSpec {
  readonly value: string;
  readonly about: string;
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
  /** At most one, and never required. */
  readonly operand?: OperandSpec;
  execute(options: OptionValues, lists: OptionLists): Promise<ExitCode>;
}

/** All values of options that take several, in the order given. */
export type OptionLists = Readonly<Record<string, readonly string[] | undefined>>;

/** The name of the operand among the options for `execute`. */
export const OPERAND = '';

export type Asked =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'version'; readonly isVerbose: boolean }
  | { readonly kind: 'help'; readonly command?: Command }
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly options: OptionValues;
      readonly lists: OptionLists;
    };

/** Throws a FatalError with exit code 2 for anything unknown. */
export async function readCommandLine(args: readonly string[], commands: readonly Command[]): Promise<Asked> {
  const [first, ...rest] = args;
  if (first === undefined) return { kind: 'nothing' };
  if (asksForVersion(args)) return { kind: 'version', isVerbose: rest.includes('--verbose') };
  if (first === '--help' || first === '-h') return { kind: 'help' };
  if (first === 'help')
    return rest[0] === undefined ? { kind: 'help' } : { kind: 'help', command: await findCommand(rest[0], commands) };
  const command = await findCommand(first, commands);
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', command };
  refuseTakenByNpm(command, process.env);
  return { kind: 'command', command, ...(await readOptions(command, rest)) };
}

/** Before any command is loaded: none is needed for it. */
export function asksForVersion([first]: readonly string[]): boolean {
  return first === '--version' || first === '-V';
}

async function findCommand(asked: string, commands: readonly Command[]): Promise<Command> {
  const command = commands.find(({ name }) => name === asked);
  if (command) return command;
  const names = commands.map(({ name }) => name);
  const list = names.join(', ');
  if (asked.startsWith('-')) {
    const hint = (await hintAt(asked, ['--help', '--version'])) || `; a command comes first: ${list}`;
    throw new FatalError(`unknown option ${shown(asked)}${hint} (see sallyport --help)`, EXIT.usage);
  }
  const hint = await hintAt(asked, [...names, '--version']);
  const what = `unknown command ${JSON.stringify(asked)}${hint === '' ? '; the' : `${hint} The`} commands are ${list}`;
  throw new FatalError(`${what} (see sallyport --help)`, EXIT.usage);
}

/** Loads the search for the closest word only now: most commands do without it. */
export async function hintAt(asked: string, known: readonly string[]): Promise<string> {
  const { suggest } = await import('@sallyport/config');
  // nginx and others have one letter for an option.
  const [only, ...more] = /^-[a-z]$/.test(asked) ? known.filter((name) => name.startsWith(`-${asked}`)) : [];
  // Two dashes that are right make no word alike: --json is not meant for --log.
  const closest = suggest(withoutDashes(asked), known.map(withoutDashes));
  const meant = only !== undefined && more.length === 0 ? only : known.find((name) => withoutDashes(name) === closest);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}

function withoutDashes(name: string): string {
  return name.replace(/^--?/, '');
}

/** An argument in a message: in one line, without quotes. */
function shown(argument: string): string {
  return JSON.stringify(argument).slice(1, -1);
}

/** Without `--`, npm keeps an option for itself, and tells it in the environment alone: another configuration than the one named would run. */
function refuseTakenByNpm({ options }: Command, env: NodeJS.ProcessEnv): void {
  if (env['npm_lifecycle_event'] !== 'start') return;
  const taken = Object.keys(options).find((name) => env[`npm_config_${name}`] !== undefined);
  if (taken === undefined) return;
  const value = options[taken]?.value ?? '';
  throw new FatalError(
    `npm took --${taken} for an option of its own; write npm start -- --${taken} ${value}`,
    EXIT.usage,
  );
}

interface GivenOptions {
  readonly options: OptionValues;
  readonly lists: OptionLists;
}

async function readOptions(command: Command, args: readonly string[]): Promise<GivenOptions> {
  const known = Object.entries(command.options).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  const { tokens } = parseArgs({ args: [...args], options: Object.fromEntries(known), strict: false, tokens: true });
  const reader = new OptionsReader(command);
  for (const token of tokens) {
    if (token.kind === 'positional') reader.takeArgument(token.value);
    else if (token.kind === 'option') await reader.takeOption(token);
  }
  return reader.end();
}

/** Takes what stands behind a command, in its order. Every fault is thrown as a FatalError. */
class OptionsReader {
  readonly #command: Command;
  readonly #options: Record<string, string> = {};
  readonly #lists: Record<string, string[]> = {};
  /** What takes further values. */
  #open: readonly [name: string, spec: OptionSpec] | undefined;

  constructor(command: Command) {
    this.#command = command;
  }

  /** An argument without dashes. */
  takeArgument(value: string): void {
    if (this.#open !== undefined && value === '') throw this.#needsValue(...this.#open);
    else if (this.#open !== undefined) this.#addTo(this.#open[0], value);
    else if (this.#command.operand && !(OPERAND in this.#options)) this.#options[OPERAND] = value;
    else throw this.#wrong(`unexpected argument ${JSON.stringify(value)}`);
  }

  async takeOption({ name, rawName, value }: OptionToken): Promise<void> {
    const { options } = this.#command;
    const spec = Object.hasOwn(options, name) ? options[name] : undefined;
    if (!spec) throw this.#wrong(`unknown option ${shown(rawName)}${await hintAt(rawName, this.#names())}`);
    if (spec.value === undefined) this.#takeFlag(name, value);
    else this.#takeValue(name, spec, value);
  }

  end(): GivenOptions {
    const { name: command, options } = this.#command;
    const missing = Object.entries(options).find(([name, { isRequired }]) => isRequired && !(name in this.#options));
    if (missing) throw this.#wrong(`sallyport ${command} needs ${spelled(...missing)}`);
    return { options: this.#options, lists: this.#lists };
  }

  #takeFlag(name: string, value: string | undefined): void {
    if (value !== undefined) throw this.#wrong(`--${name} takes nothing`);
    this.#open = undefined;
    this.#options[name] = '';
  }

  #takeValue(name: string, spec: OptionSpec, value: string | undefined): void {
    if (value === undefined || value === '') throw this.#needsValue(name, spec);
    if (name in this.#options && !spec.isMany && !spec.isReplaceable)
      throw this.#wrong(`--${name} is given twice; give one`);
    this.#open = spec.isMany ? [name, spec] : undefined;
    this.#options[name] = value;
    if (spec.isMany) this.#addTo(name, value);
  }

  #addTo(name: string, value: string): void {
    (this.#lists[name] ??= []).push(value);
  }

  #names(): readonly string[] {
    return ['--help', ...Object.keys(this.#command.options).map((name) => `--${name}`)];
  }

  #needsValue(name: string, spec: OptionSpec): FatalError {
    return this.#wrong(`--${name} needs a value: ${spelled(name, spec)}`);
  }

  #wrong(what: string): FatalError {
    return new FatalError(`${what} (see sallyport ${this.#command.name} --help)`, EXIT.usage);
  }
}

/** As `parseArgs` gives it. `rawName`: with its dashes, as it was written. */
interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

/** What `sallyport --help` prints. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n');
  return `Sallyport: a guarded way out of a network for HTTPS.

Usage: sallyport COMMAND [OPTIONS]

Commands:
${rows}

  --version prints the version, with --verbose also which Node.js and which native engine there are.
  --help prints this help, and behind a command that of the command.
`;
}

/** What `--help` behind a command prints. */
export function helpOf(command: Command): string {
  const specs = Object.entries(command.options);
  const usage = specs.map(([name, spec]) => {
    const option = `${spelled(name, spec)}${spec.isMany ? '…' : ''}`;
    return spec.isRequired ? option : `[${option}]`;
  });
  if (command.operand) usage.unshift(`[${command.operand.value}]`);
  const { operand } = command;
  const described = [
    ...(operand ? [{ left: operand.value, about: operand.about }] : []),
    ...specs.map(([name, spec]) => ({ left: spelled(name, spec), about: spec.about })),
  ];
  const width = Math.max(22, ...described.map(({ left }) => left.length + 2));
  const rows = described.map(({ left, about }) => `  ${left.padEnd(width)}${about}\n`).join('');
  return `Usage: sallyport ${[command.name, ...usage].join(' ')}

${command.summary}
${rows && `\nOptions:\n${rows}`}
${command.details}
`;
}

function spelled(name: string, { value }: OptionSpec): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}
