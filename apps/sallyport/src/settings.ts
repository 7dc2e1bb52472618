/** Reads, validates and compiles a configuration file, for `run`, `check` and a reload. */
import { dirname } from 'node:path';
import {
  type AsWritten,
  type Config,
  finish,
  formatProblem,
  loadConfig,
  type LocatedProblem,
  type Problem,
  type RestOfFile,
  type SniListener,
  sortByPosition,
  type Steps,
} from '@sallyport/config';
import {
  checkGroups,
  type Destination,
  destinationAt,
  lintOpenProxy,
  lintUnmetUsers,
  lintVoidList,
  type MalformedDestination,
  type Policy,
  runTests,
} from '@sallyport/policy';
import type { LoggerOptions } from '@sallyport/telemetry';
import type { TlsTrust } from '@sallyport/tunnel-splice';
import { readEgressTrusts } from './egress-trusts.ts';
import { lintExposedFiles } from './exposed-files.ts';
import { type ListenerIdentity, readListenerIdentities } from './listener-identities.ts';
import { checkLogFile } from './log-file.ts';
import { readLogOptions } from './log-options.ts';
import { createListReader, namedFiles } from './named-files.ts';
import { PolicyCompiler } from './policy-compiler.ts';
import { groupsFor } from './shipped-groups.ts';

/** A configuration that can take effect: checked, with all files read that it names. */
export interface Settings {
  readonly config: Config;
  readonly policy: Policy;
  /** By name of listener. */
  readonly identities: ReadonlyMap<string, ListenerIdentity>;
  /** Of parents with `tls`, by name of egress. */
  readonly trusts: ReadonlyMap<string, TlsTrust>;
  readonly logOptions: LoggerOptions;
  /** Warnings of the file, a line each: `FILE:LINE:COL: path: message`, without those that a comment silences. */
  readonly warnings: readonly string[];
  /** Formats further warnings in the same way. */
  readonly tell: (warnings: readonly Problem[]) => readonly string[];
  /** Formats, in the same way, a problem that keeps it from taking effect. */
  readonly explain: (problem: Omit<Problem, 'severity'>) => string;
  /** For later messages: hides values of the environment. */
  readonly asWritten: AsWritten;
}

/** What reading a configuration has come to. */
export type SettingsResult = (
  | { readonly kind: 'ok'; readonly settings: Settings }
  /** Every problem, a line each, in the order of the file. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
) & {
  /** All files that it was made of, or would be, as far as they are known. */
  readonly files: readonly string[];
};

/** For what the file is read. */
export interface ReadOptions {
  /** False: the tests of the file are not run. */
  readonly runsTests?: boolean;
  /** True: the file was read before. Then it must be no pipe. */
  readonly isReload?: boolean;
  /** Left out: one of its own. */
  readonly compiler?: PolicyCompiler;
  /** True: each problem is followed by its line of the file, with a caret under the column. */
  readonly showsLines?: boolean;
}

/** Reads `file` with `${VAR}` from `env`. Reports all problems at once, those of the schema and those of the policy. */
export function readSettings(file: string, env: NodeJS.ProcessEnv, options?: ReadOptions): SettingsResult {
  return finish(readSettingsInSteps(file, env, options));
}

/** As {@link readSettings}, in steps. */
export function* readSettingsInSteps(
  file: string,
  env: NodeJS.ProcessEnv,
  { runsTests = true, isReload = false, compiler = new PolicyCompiler(), showsLines = false }: ReadOptions = {},
): Steps<SettingsResult> {
  const loaded = yield* loadConfig(file, env, { isReload });
  const describe = (problems: readonly LocatedProblem[]): readonly string[] =>
    sortByPosition(problems).map((problem) => {
      const told = formatProblem(file, problem);
      const excerpt = showsLines && !problem.elsewhere ? loaded.excerpt(problem.position) : '';
      return excerpt === '' ? told : `${told}\n${excerpt}`;
    });
  if (loaded.kind === 'invalid') {
    const later = loaded.rest ? yield* laterErrors(loaded.rest, file, compiler) : [];
    const problems = [...loaded.problems, ...later];
    return { kind: 'invalid', problems: describe(problems), files: [file] };
  }

  const { config, isSilenced, asWritten } = loaded;
  const files = filesOf(config, file);
  const { problems, ...sections } = yield* compileSections(config, dirname(file), compiler);
  const { policy } = sections;
  const meant = [
    ...problems,
    ...lintOpenProxy(config, policy),
    ...lintUnmetUsers(config),
    ...(runsTests ? runTests(policy, config.tests, config.listeners[0]?.name ?? '') : []),
    ...lintVoidList(config),
    ...lintExposedFiles(config, dirname(file)),
    ...checkLogFile(config, files, dirname(file)),
  ];
  const show = (problem: LocatedProblem) => placeProblem(problem, loaded);
  const found = [...loaded.warnings, ...meant.map(show)];
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { kind: 'invalid', problems: describe(errors), files };
  const tell = (warnings: readonly LocatedProblem[]): readonly string[] =>
    describe(warnings.map(show).filter(({ position }) => !isSilenced(position)));
  const explain: Settings['explain'] = (problem) => formatProblem(file, show({ ...problem, severity: 'error' }));
  const warnings = tell(found);
  return { kind: 'ok', settings: { config, ...sections, warnings, tell, explain, asWritten }, files };
}

/** Compiles what the sections of a file say, and reads the files that they name. */
function* compileSections(config: Config, folder: string, compiler: PolicyCompiler) {
  const { policy, problems } = yield* compiler.compile(config.policy, createListReader(folder), {
    groups: groupsFor(config),
    listeners: config.listeners,
  });
  const { identities, problems: unfit } = yield* readListenerIdentities(config, folder);
  const { trusts, problems: untrusted } = readEgressTrusts(config, folder);
  const { logOptions, problems: unread } = readLogOptions(config, folder);
  return {
    policy,
    identities,
    trusts,
    logOptions,
    problems: [
      ...problems,
      ...checkGroups(config.groups, config.policy.rules),
      ...unfit,
      ...untrusted,
      ...unread,
      ...checkFallbacks(config),
    ],
  };
}

/** All files that are read. */
function filesOf(config: Config, file: string): readonly string[] {
  return [file, ...namedFiles(config, dirname(file))];
}

/** What would be wrong with the file once its first problems are corrected. Its tests are not run: they are about the whole file. */
function* laterErrors(rest: RestOfFile, file: string, compiler: PolicyCompiler): Steps<readonly LocatedProblem[]> {
  const { config } = rest;
  const { problems } = yield* compileSections(config, dirname(file), compiler);
  return [...problems, ...checkLogFile(config, filesOf(config, file), dirname(file))]
    .filter(({ severity }) => severity === 'error')
    .map((problem) => placeProblem(problem, rest));
}

/** With the place of the problem in the file, and without values of the environment. */
function placeProblem(problem: LocatedProblem, { locate, asWritten }: Pick<RestOfFile, 'locate' | 'asWritten'>) {
  return {
    ...problem,
    message: asWritten(problem.message),
    ...(problem.elsewhere && { elsewhere: { ...problem.elsewhere, file: asWritten(problem.elsewhere.file) } }),
    position: problem.position ?? locate(problem.path),
  };
}

/** A fallback destination must have the same form as a client's destination. */
function checkFallbacks({ listeners }: Config): readonly Problem[] {
  return listeners.flatMap((listener, index) => {
    const destination = listener.mode === 'sni' ? fallbackDestination(listener) : undefined;
    if (destination?.kind !== 'malformed') return [];
    return [
      { severity: 'error', path: ['listeners', index, 'without_sni'], message: `${destination.why}; write host:port` },
    ];
  });
}

/** The destination of clients without SNI, if there is one. */
export function fallbackDestination({ without_sni }: SniListener): Destination | MalformedDestination | undefined {
  if (without_sni.kind !== 'destination') return undefined;
  return destinationAt(without_sni);
}
