/**
 * Compiles policies, and keeps the last one: a list of a million names takes a second to compile, in which no tunnel is set up. Most reloads
 * change something else.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { PolicyConfig } from '@sallyport/config';
import { type CompiledPolicy, compilePolicy, type ReadHostsFile, type Surroundings } from '@sallyport/policy';

export class PolicyCompiler {
  #inputs: unknown;
  #compiled: CompiledPolicy | undefined;

  /** As {@link compilePolicy}. The same result again, where nothing has changed that it is made of. */
  compile(config: PolicyConfig, readFile: ReadHostsFile, surroundings: Surroundings): CompiledPolicy {
    const { groups, listeners = [] } = surroundings;
    const reporting = listeners.map(({ name, report_only }) => ({ name, report_only }));
    const named = new Set(config.rules.flatMap(({ hosts_file = [] }) => hosts_file));
    const files = [...named].map((file) => identify(readFile(file)));
    const inputs = { config, groups, reporting, files };
    if (this.#compiled && isDeepStrictEqual(inputs, this.#inputs)) return this.#compiled;
    const compiled = compilePolicy(config, readFile, surroundings);
    // One that cannot take effect is soon followed by the last one, corrected.
    if (compiled.problems.some(({ severity }) => severity === 'error')) return compiled;
    this.#inputs = inputs;
    this.#compiled = compiled;
    return compiled;
  }
}

/** Stands for a file that may have a hundred megabytes. */
function identify(file: ReturnType<ReadHostsFile>) {
  return file.kind === 'ok' ? { path: file.path, digest: createHash('sha256').update(file.text).digest('hex') } : file;
}
