/** Completions for shells, made from the program's help. */
import type { CommandHelp, OptionHelp, ProgramHelp } from './help.ts';

/** File name to text, for the folder `completions`. Each file has the name that its shell expects. */
export function completions({ commands }: ProgramHelp): Readonly<Record<string, string>> {
  return { 'sallyport.bash': bash(commands), _sallyport: zsh(commands), 'sallyport.fish': fish(commands) };
}

function bash(commands: readonly CommandHelp[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ value }) => value !== '')
      .map((option) => `    '${name} --${option.name}') ${bashValues(option)} ;;`),
  );
  const names = commands.map(({ name, options }) => {
    const files = options.some(takesFile) ? 'compopt -o default; ' : '';
    const words = [...options.map((option) => `--${option.name}`), '--help'].join(' ');
    return `    '${name} '*) ${files}words='${words}' ;;`;
  });
  return `# bash completion for sallyport
_sallyport() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${[...commands.map(({ name }) => name), '--version', '--help'].join(' ')}'
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${[...values, ...names].join('\n')}
    '--version '*) words='--verbose' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _sallyport sallyport
`;
}

/** Where no word fits, `-o default` has names of files. */
function bashValues(option: OptionHelp): string {
  if (takesFile(option)) return 'compopt -o default';
  return `words='${choices(option).join(' ')}'`;
}

function zsh(commands: readonly CommandHelp[]): string {
  const named = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = commands.map(({ name, options }) => {
    const specs = options.map((option) => `'*--${option.name}[${quoted(option.about)}]${zshValues(option)}'`);
    return `    ${name}) _arguments ${[...specs, "'--help[print help]'"].join(' ')} ;;`;
  });
  return `#compdef sallyport
_sallyport() {
  local -a commands
  commands=(
${named.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '--version[print the version]' '--help[print help]'
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
_sallyport "$@"
`;
}

function zshValues(option: OptionHelp): string {
  if (option.value === '') return '';
  const words = choices(option);
  if (words.length > 0) return `:value:(${words.join(' ')})`;
  return `:${quoted(option.value)}:${takesFile(option) ? '_files' : ' '}`;
}

function fish(commands: readonly CommandHelp[]): string {
  const first = commands.map(
    ({ name, summary }) => `complete -c sallyport -n __fish_use_subcommand -f -a ${name} -d '${quoted(summary)}'`,
  );
  const options = commands.flatMap(({ name, options: all }) =>
    all.map((option) => {
      const help = `-d '${quoted(option.about)}'`;
      return `complete -c sallyport -n '__fish_seen_subcommand_from ${name}' -l ${option.name}${fishValues(option)} ${help}`;
    }),
  );
  return `# fish completion for sallyport\n${[...first, ...options].join('\n')}\n`;
}

function fishValues(option: OptionHelp): string {
  if (option.value === '') return '';
  if (takesFile(option)) return ' -r -F';
  const words = choices(option);
  return words.length === 0 ? ' -x' : ` -x -a '${words.join(' ')}'`;
}

/** The placeholders that stand for a file. */
function takesFile({ value }: OptionHelp): boolean {
  return value === 'FILE' || value === 'OLD';
}

/** The words that an option may have, from a placeholder such as `text|json`. */
function choices({ value }: OptionHelp): readonly string[] {
  return value.includes('|') ? value.split('|') : [];
}

/** Quoted for single quotes, and for brackets and colons in zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", '').replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' -');
}
