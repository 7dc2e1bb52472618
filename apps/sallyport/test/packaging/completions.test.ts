import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completions } from '../../packaging/completions.ts';
import type { CommandHelp, OptionHelp } from '../../packaging/help.ts';

function command(name: string, ...options: readonly OptionHelp[]): CommandHelp {
  return { name, usage: '', summary: `Does ${name}.`, options, details: '' };
}

const files = completions({
  version: '1.2.3',
  about: '',
  schema: {},
  commands: [
    command(
      'summary',
      { name: 'log', value: 'FILE', about: 'logs' },
      { name: 'format', value: 'text|json', about: 'how' },
      { name: 'since', value: 'DURATION', about: 'from when' },
    ),
    command('schema', { name: 'log', value: '', about: 'of a line' }),
  ],
});

/** What bash offers for the last word. Its builtin `compopt` works only while a key is pressed. */
function offered(...words: readonly string[]): readonly string[] {
  const call = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sallyport; printf "%s\\n" "${COMPREPLY[@]}"';
  const script = `${files['sallyport.bash'] ?? ''}\ncompopt() { printf "(%s)\\n" "$*"; }\n${call}`;
  const text = execFileSync('bash', ['-c', script, 'bash', 'sallyport', ...words], { encoding: 'utf8' });
  return text.trim().split('\n');
}

describe('completions', () => {
  it.each([
    [['s'], ['summary', 'schema']],
    [
      ['summary', '--f'],
      ['(-o default)', '--format'],
    ],
    [
      ['summary', '--format', ''],
      ['text', 'json'],
    ],
    [['summary', '--format', 'j'], ['json']],
    [['summary', '--log', ''], ['(-o default)']],
    [['summary', '--log', 'a.log', 'b'], ['(-o default)']],
    [['summary', '--since', ''], ['']],
    [
      ['schema', '--log', ''],
      ['--log', '--help'],
    ],
    [['--version', '--v'], ['--verbose']],
    [['other', ''], ['']],
  ])('in bash, behind %j, are %j', (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });

  it('tell zsh and fish what may follow an option', () => {
    expect(files['_sallyport']).toContain(
      "summary) _arguments '*--log[logs]:FILE:_files' '*--format[how]:value:(text json)' '*--since[from when]:DURATION: ' ",
    );
    expect(files['_sallyport']).toContain("schema) _arguments '*--log[of a line]' ");
    const fish = (files['sallyport.fish'] ?? '').split('\n').filter((line) => line.includes(' -l '));
    expect(fish.map((line) => line.replace(/^.* -l /, ''))).toEqual([
      "log -r -F -d 'logs'",
      "format -x -a 'text json' -d 'how'",
      "since -x -d 'from when'",
      "log -d 'of a line'",
    ]);
  });
});
