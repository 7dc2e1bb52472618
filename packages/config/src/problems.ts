/** The problems of a configuration: their positions and their text. */

/** The keys and list positions that lead to a value. */
export type ConfigPath = readonly (string | number)[];

/** Something wrong; the message names the cause and the remedy. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly path: ConfigPath;
  readonly message: string;
  /** Where it stands, if not in the configuration itself but in a file that the value at `path` names. */
  readonly elsewhere?: { readonly file: string; readonly position?: Position };
}

/** A place in the file, both counted from 1; columns in UTF-16 code units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A problem and its place; without one when the file could not be read at all. */
export interface LocatedProblem extends Problem {
  readonly position?: Position;
}

/** Finds where a path stands in the file, or the closest thing above it that does. */
export type Locate = (path: ConfigPath) => Position;

/** Tells a problem in one line, `FILE:LINE:COL: path: message`, its place found by `locate`. */
export function describeProblem(file: string, problem: Problem, locate: Locate): string {
  return formatProblem(file, { ...problem, position: locate(problem.path) });
}

/** Tells a problem in one line, `FILE:LINE:COL: path: message`. */
export function formatProblem(file: string, problem: LocatedProblem): string {
  const { path, severity, message, elsewhere = { file, ...problem } } = problem;
  const { position } = elsewhere;
  const place = position === undefined ? elsewhere.file : `${elsewhere.file}:${position.line}:${position.column}`;
  const subject = path.length === 0 ? '' : `${formatPath(path)}: `;
  return `${place}: ${subject}${severity === 'warning' ? 'warning: ' : ''}${message}`;
}

/** Spells a path as `listeners[0].bind`; a key that is no plain word is quoted: `dns.hosts["intranet.example"]`. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** Puts problems in the order of the file; the sort is stable, so that what has one place keeps its order. */
export function sortByPosition(problems: readonly LocatedProblem[]): LocatedProblem[] {
  return problems.toSorted(
    ({ position: a }, { position: b }) => (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0),
  );
}
