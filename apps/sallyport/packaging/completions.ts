/** Completions for shells, made from the program's help. */
import type { CommandHelp, ProgramHelp } from './help.ts';

/** File name to text, for the folder `completions`. Each file has the name that its shell expects. */
export function completions({ commands }: ProgramHelp): Readonly<Record<string, string>> {
  return { 'sallyport.bash': bash(commands), _sallyport: zsh(commands), 'sallyport.fish': fish(commands) };
}

function bash(commands: readonly CommandHelp[]): string {
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) words='${[...options.map((option) => `--${option.name}`), '--help'].join(' ')}' ;;`,
  );
  return `# bash completion for sallyport
_sallyport() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${[...commands.map(({ name }) => name), '--version', '--help'].join(' ')}'
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    --version) words='--verbose' ;;
    *) return ;;
  esac
  if [[ "$current" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _sallyport sallyport
`;
}

function zsh(commands: readonly CommandHelp[]): string {
  const named = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = commands.map(({ name, options }) => {
    const specs = options.map(
      (option) =>
        `'*--${option.name}[${quoted(option.about)}]:${option.value}:${option.value.startsWith('FILE') ? '_files' : ''}'`,
    );
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

function fish(commands: readonly CommandHelp[]): string {
  const first = commands.map(
    ({ name, summary }) => `complete -c sallyport -n __fish_use_subcommand -f -a ${name} -d '${quoted(summary)}'`,
  );
  const options = commands.flatMap(({ name, options: all }) =>
    all.map(({ name: option, value, about }) => {
      const takesFile = value.startsWith('FILE') ? '' : ' -f';
      return `complete -c sallyport -n '__fish_seen_subcommand_from ${name}' -l ${option} -r${takesFile} -d '${quoted(about)}'`;
    }),
  );
  return `# fish completion for sallyport\n${[...first, ...options].join('\n')}\n`;
}

/** Quoted for single quotes, and for brackets and colons in zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", '').replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' -');
}
