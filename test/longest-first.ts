import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take long by themselves, the longest first. The size of a file, by which Vitest orders them, tells nothing of these. */
const LONG = [
  'test/packages/packages.test.ts',
  'packages/tunnel-splice/test/native.test.ts',
  'packages/tunnel-splice/test/faults/contract.test.ts',
  'packages/tunnel-splice/test/portable.test.ts',
  'test/e2e/repeat/changes.test.ts',
  'test/cli/command-line.test.ts',
  'test/cli/learn.test.ts',
  'test/e2e/lifecycle.test.ts',
  'test/e2e/http-forward/moments.test.ts',
  'test/e2e/hostile/descriptors.test.ts',
  'test/e2e/takeover.test.ts',
] as const;

/** Begins the longest files first: one that is begun last keeps one worker busy, and all others idle. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const gone = LONG.find((name) => !existsSync(join(root, name)));
    if (gone !== undefined) throw new Error(`${gone}, which is said to take long, does not exist`);
    const long = LONG.flatMap((name) => specifications.filter(({ moduleId }) => moduleId === join(root, name)));
    const others = await super.sort(specifications.filter((each) => !long.includes(each)));
    return [...long, ...others];
  }
}
