/**
 * Compiles policies, and keeps the last one: a list of a million names takes a second to compile. Most reloads change something else.
 */
import { isDeepStrictEqual } from 'node:util';
import { finish, type PolicyConfig, type Steps } from '@sallyport/config';
import { type CompiledPolicy, compilePolicyInSteps, type Surroundings } from '@sallyport/policy';
import type { ListFile, ReadListFile } from './named-files.ts';

export class PolicyCompiler {
  #inputs: unknown;
  #compiled: CompiledPolicy | undefined;

  /** As {@link compilePolicyInSteps}. The same result again, where nothing has changed that it is made of. */
  *compile(config: PolicyConfig, readFile: ReadListFile, surroundings: Surroundings): Steps<CompiledPolicy> {
    const { groups, listeners = [] } = surroundings;
    const reporting = listeners.map(({ name, report_only }) => ({ name, report_only }));
    const files = [];
    for (const file of new Set(config.rules.flatMap(({ hosts_file = [] }) => hosts_file))) {
      files.push(identify(yield* readFile(file)));
    }
    const inputs = { config, groups, reporting, files };
    if (this.#compiled && isDeepStrictEqual(inputs, this.#inputs)) return this.#compiled;
    // Each has been read by now.
    const compiled = yield* compilePolicyInSteps(config, (file) => finish(readFile(file)), surroundings);
    // One that cannot take effect is soon followed by the last one, corrected.
    if (compiled.problems.some(({ severity }) => severity === 'error')) return compiled;
    this.#inputs = inputs;
    this.#compiled = compiled;
    return compiled;
  }
}

/** Without its text, which may have a hundred megabytes. */
function identify(file: ListFile) {
  return file.kind === 'ok' ? { path: file.path, digest: file.digest } : file;
}
