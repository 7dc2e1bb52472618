/** The configuration file: any text gives a configuration, or problems with positions in the text. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../../../packages/config/dist/load.js';
import { formatProblem, type LocatedProblem } from '../../../../packages/config/dist/problems.js';
import type { FuzzTarget } from '../fuzz-target.ts';

const examples = fileURLToPath(new URL('../../../../configs/', import.meta.url));

export const configTarget: FuzzTarget = {
  // Every configuration that we ship, and a small one: most changes to a long file change nothing.
  seeds: [
    Buffer.from('listeners:\n  - { name: a, mode: connect, bind: "127.0.0.1:0", timeouts: { idle: 1h } }\n'),
    ...readdirSync(examples, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => readFileSync(examples + name)),
  ],
  dictionary: [
    ...['\n', '  ', '\n    ', '- ', '? ', ': ', ', ', '[', ']', '{', '}', '&a ', '*a', '!t ', '|', '>-', '"', "'", '#'],
    ...['%YAML 1.1', '---', '...', '\t', '\r', '\0', '\uFEFF', '${', '${A}', '${A:-b}', '$${', '<<: ', '__proto__: '],
    ...['~', '.nan', '0x', '1e999', '-0', 'off', '10s', '16KiB', '::1', '10.0.0.0/8', '*.', 'listeners:', 'policy:'],
  ].map((text) => Buffer.from(text)),
  check: (input) => checkConfig(Buffer.from(input).toString('utf8')),
};

function checkConfig(text: string): string | undefined {
  const loaded = parseConfig(text, { A: 'x' });
  if (loaded.kind === 'ok') return Object.isFrozen(loaded.config) ? undefined : 'the configuration can be changed';
  if (!loaded.problems.some(({ severity }) => severity === 'error')) return 'it is refused without an error';
  const lineCount = text.split(/\r\n|[\r\n]/).length;
  const astray = loaded.problems.find((problem) => !isPlaced(problem, lineCount));
  return astray && `a problem has no place of its own: ${JSON.stringify(astray)}`;
}

function isPlaced(problem: LocatedProblem, lineCount: number): boolean {
  const { line, column } = problem.position ?? { line: 0, column: 0 };
  return line >= 1 && line <= lineCount && column >= 1 && !formatProblem('F', problem).includes('\n');
}
