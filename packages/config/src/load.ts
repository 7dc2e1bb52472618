/** Loads a file: the result is a configuration, or all problems in it. */
import { type AsWritten, createAsWritten, showAsWritten } from './as-written.ts';
import { type Config, completeConfig } from './config.ts';
import { checkAcross } from './cross-checks.ts';
import { createExcerpt, type Excerpt } from './excerpt.ts';
import type { Environment } from './expand.ts';
import { deepFreeze } from './freeze.ts';
import { explainIssues, type SchemaProblem } from './issues.ts';
import { type Locate, type LocatedProblem, sortByPosition } from './problems.ts';
import { restOfFile } from './rest-of-file.ts';
import { configSchema } from './schema.ts';
import { createIsSilenced, type IsSilenced } from './silenced.ts';
import { readSource, type SourceOptions } from './source.ts';
import { finish, type Steps } from './steps.ts';
import { type ParsedDocument, parseYamlDocument } from './yaml-document.ts';
import { createLocate } from './yaml-positions.ts';
import { readYamlValues, type YamlValues } from './yaml-values.ts';

/** A configuration, with a function that finds the line and column of later problems; or all problems, in the order of the file. */
export type LoadResult =
  | {
      readonly kind: 'ok';
      readonly config: Config;
      readonly locate: Locate;
      readonly warnings: readonly LocatedProblem[];
      readonly isSilenced: IsSilenced;
      /** For every other message that quotes the configuration. */
      readonly asWritten: AsWritten;
      readonly excerpt: Excerpt;
    }
  | {
      readonly kind: 'invalid';
      readonly problems: readonly LocatedProblem[];
      readonly excerpt: Excerpt;
      /** For later checks, so that their problems are told with these; left out where too little of the file is valid. */
      readonly rest?: RestOfFile;
    };

/** What an invalid file says beside its problems. It never takes effect. */
export interface RestOfFile {
  readonly config: Config;
  readonly locate: Locate;
  readonly asWritten: AsWritten;
}

/**
 * Reads and validates a configuration file.
 * @param env what `${VAR}` expands from; never logged
 */
export function* loadConfig(file: string, env: Environment, options: SourceOptions = {}): Steps<LoadResult> {
  const source = readSource(file, options);
  if (source.kind === 'ok') return yield* parseConfigInSteps(source.text, env);
  return { kind: 'invalid', problems: [source.problem], excerpt: () => '' };
}

/** Validates the text of a configuration file. */
export function parseConfig(text: string, env: Environment): LoadResult {
  return finish(parseConfigInSteps(text, env));
}

/** As {@link parseConfig}, in steps. Of a long file, those that are one call of a library are long. */
function* parseConfigInSteps(text: string, env: Environment): Steps<LoadResult> {
  const document = yield* parseYamlDocument(text);
  const excerpt = createExcerpt(text);
  if (document.kind === 'invalid') return { ...document, excerpt };
  const values = readYamlValues(document.root, env);
  yield;
  const validated = configSchema.safeParse(values.value);
  yield;

  const asWritten = createAsWritten(values.expansions);
  const problems = locateProblems(document, values, explainIssues(validated.error?.issues ?? [])).map((problem) => ({
    ...problem,
    message: asWritten(problem.message),
  }));
  const { locate } = createLocate(document, values);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (!validated.success || errors.length > 0) {
    const rest = restOfFile(
      values.value,
      errors.map(({ path }) => path),
    );
    return { kind: 'invalid', problems, excerpt, ...(rest && { rest: { config: rest, locate, asWritten } }) };
  }
  yield;
  const config = completeConfig(validated.data);
  deepFreeze(config);
  return {
    kind: 'ok',
    config,
    locate,
    warnings: problems,
    asWritten,
    excerpt,
    isSilenced: createIsSilenced(text),
  };
}

/** All problems, in the order of the file. */
function locateProblems(
  document: ParsedDocument,
  values: YamlValues,
  unfit: readonly SchemaProblem[],
): LocatedProblem[] {
  const { locate, locateKey } = createLocate(document, values);
  const unreadable = values.problems.map(({ node, path, message }): LocatedProblem => {
    return { severity: 'error', path, message, position: document.positionAt(node.range?.[0] ?? 0) };
  });
  // A value that could not be read does not fit either, which is not reported again.
  const told = new Set(unreadable.map(placeOf));
  const written = values.expansions.length === 0 ? values.value : readYamlValues(document.root, 'as written').value;
  const both = { expanded: values.value, written };
  const others = [
    ...showAsWritten(unfit, both, (value) => explainIssues(configSchema.safeParse(value).error?.issues ?? [])).map(
      ({ about, ...problem }) => ({
        ...problem,
        position: about === 'key' ? locateKey(problem.path) : locate(problem.path),
      }),
    ),
    ...showAsWritten(checkAcross(values.value), both, checkAcross).map((problem) => ({
      ...problem,
      position: locate(problem.path),
    })),
  ];
  return sortByPosition([...unreadable, ...others.filter((problem) => !told.has(placeOf(problem)))]);
}

function placeOf({ position }: LocatedProblem): string {
  return `${position?.line}:${position?.column}`;
}
