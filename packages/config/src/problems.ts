/** The problems of a configuration: their positions and their text. */
import { escapeControls } from './escape-controls.ts';

/** The keys and list positions that lead to a value. */
export type ConfigPath = readonly (string | number)[];

/** A fault; the message names the cause and the remedy. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly path: ConfigPath;
  readonly message: string;
  /** Its place, where it is not in the configuration itself but in a file that the value at `path` names. */
  readonly elsewhere?: { readonly file: string; readonly position?: Position };
}

/** A place in the file. Both count from 1; columns are UTF-16 code units, as in editors. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A problem and its place; without a place when the file could not be read. */
export interface LocatedProblem extends Problem {
  readonly position?: Position;
}

/** Finds the place of a path in the file, or of its closest existing parent. */
export type Locate = (path: ConfigPath) => Position;

/** Formats a problem in one line, `FILE:LINE:COL: path: message`. */
export function formatProblem(file: string, problem: LocatedProblem): string {
  return escapeControls(shortenWords(problemText(file, problem)));
}

/** A word of 1,000 characters is no name and hardly a path, but what some file holds, at the wrong place. 100 of them tell which. */
function shortenWords(text: string): string {
  return text.replace(/(?<!\S)(\S{100})\S{900,}/gu, '$1…');
}

function problemText(file: string, problem: LocatedProblem): string {
  const { path, severity, message, elsewhere = { file, ...problem } } = problem;
  const { position } = elsewhere;
  const place = position === undefined ? elsewhere.file : `${elsewhere.file}:${position.line}:${position.column}`;
  const subject = path.length === 0 ? '' : `${formatPath(path)}: `;
  return `${place}: ${subject}${severity === 'warning' ? 'warning: ' : ''}${message}`;
}

/** Formats a path as `listeners[0].bind`. A key that is not a plain word is quoted: `dns.hosts["intranet.example"]`. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** Sorts problems by their place. Problems with the same place keep their order. */
export function sortByPosition(problems: readonly LocatedProblem[]): LocatedProblem[] {
  return problems.toSorted(
    ({ position: a }, { position: b }) => (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0),
  );
}
