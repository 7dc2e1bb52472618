/** What a file means, and what is told of it. */
import { parseConfig } from '../../src/load.ts';
import { formatProblem } from '../../src/problems.ts';

/** A listener of each mode, and nothing else. */
export const minimal = `
listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0" }
  - { name: transparent, mode: sni, bind: ["127.0.0.1:0", "[::1]:443"] }
`;

/** The configuration in `text`; throws with its problems where it is invalid. */
export function configOf(text: string) {
  const loaded = parseConfig(text, {});
  if (loaded.kind === 'invalid')
    throw new Error(loaded.problems.map((problem) => formatProblem('F', problem)).join('\n'));
  return loaded.config;
}

/** Each problem as `check` prints it, of a file named F. */
export function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  const loaded = parseConfig(text, env);
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.warnings;
  return problems.map((problem) => formatProblem('F', problem));
}

/** The same without line and column. */
export function problemsWithoutPlaces(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  return problemsOf(text, env).map((problem) => problem.replace(/^F:\d+:\d+: /, ''));
}
