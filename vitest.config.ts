import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { environmentOf } from './test/e2e/harness/system-calls.ts';
import { LongestFirst } from './test/longest-first.ts';

/** The end-to-end suite runs whole on the native engine. */
const endToEnd = {
  extends: true as const,
  test: { name: 'e2e native', include: ['test/e2e/**/*.test.ts'], env: { SALLYPORT_TEST_ENGINE: 'native' } },
};

/** The portable engine repeats nothing. Its books, and that it heeds a change at once, are still asked for as of one that repeats. */
const endToEndOnPortable = {
  extends: true as const,
  test: {
    name: 'e2e portable',
    include: ['test/e2e/**/*.test.ts'],
    exclude: ['test/e2e/repeat/{hellos,limits,renewal}.test.ts'],
    env: { SALLYPORT_TEST_ENGINE: 'portable' },
  },
};

/** With one data thread JavaScript turns the native loop itself: all of the suite again, but for what no thread has a part in. */
const endToEndOnOneThread = {
  extends: true as const,
  test: {
    name: 'e2e native, one thread',
    include: ['test/e2e/**/*.test.ts'],
    exclude: [
      // Words and decisions are made in TypeScript before a byte is relayed.
      'test/e2e/hostile/{garbage,spellings,heads,server-names,log-injection}.test.ts',
      'test/e2e/{explain-agrees,hosts-file,long-reload,refusals,refusal-facts,refusal-words,split-requests}.test.ts',
      'test/e2e/http-forward/refusals.test.ts',
      'test/e2e/{identity,listener-keys,password-costs}.test.ts',
      // A way out is chosen in TypeScript; when an attempt begins and ends is asked in egress/time and egress/parents.
      'test/e2e/egress/{choice,replies}.test.ts',
      // What the process is started with and by whom, and what an operator asks of it by HTTP.
      'test/e2e/{admin-api,privileges}.test.ts',
      'test/e2e/systemd/*.test.ts',
      // Name servers and Redis are asked by way of Node.js, and a tunnel only shows what came of it.
      'test/e2e/{half-answers,resolver-gone,shared-limits}.test.ts',
      'test/e2e/hostile/rebinding.test.ts',
      // HAProxy chooses the process, which sees a client like any other.
      'test/e2e/replicas.test.ts',
      // The kernel redirects clients and takes addresses away; what a new socket is asked is the same code on any thread.
      'test/e2e/{address-change,intercept}/*.test.ts',
    ],
    env: { SALLYPORT_TEST_ENGINE: 'native', SALLYPORT_TEST_THREADS: '1' },
  },
};

/** What users install is made once, and tried in roots of its own: no engine is chosen, each package brings its own. */
const packages = {
  extends: true as const,
  test: {
    name: 'packages',
    include: ['test/packages/**/*.test.ts'],
    testTimeout: 300_000,
  },
};

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const faults = here('packages/tunnel-splice/test/faults');
const temporary = join(tmpdir(), `sallyport-run-${process.pid}`);
const interposed = join(temporary, 'faults');

/** The contract of the transports, whose tests run on the native engine with a system call that fails. */
const callsThatFail = {
  extends: true as const,
  plugins: [
    {
      name: 'tests of the contract run once for each fault',
      enforce: 'pre' as const,
      resolveId(source: string, importer: string | undefined) {
        const isContract = /tunnel-splice\/test\/(contract\/|transport\.contract)/.test(importer ?? '');
        return source === 'vitest' && isContract ? join(faults, 'faulty-vitest.ts') : undefined;
      },
    },
  ],
  test: {
    name: 'faults',
    include: ['packages/tunnel-splice/test/faults/**/*.test.ts'],
    globalSetup: [join(faults, 'vitest-setup.ts')],
    env: environmentOf(
      { library: join(interposed, 'system-calls.so'), orders: join(interposed, 'orders') },
      'tunnel_splice.node',
    ),
  },
};

export default defineConfig({
  test: {
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: [here('test/temporary-folder.ts')],
    env: { TMPDIR: temporary },
    // Most tests wait for clocks and peers half of the time or more, so two files at once leave half of a core idle.
    maxWorkers: 2 * availableParallelism(),
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/summary-reporter.ts'],
    // A machine that builds may be ten times slower for a while, and only a test that fails waits so long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          exclude: ['packages/tunnel-splice/test/faults/**'],
          include: [
            'packages/*/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
            'test/{architecture,browsers,cli,docs,interop,monitoring,page,recipes}/**/*.test.ts',
          ],
        },
      },
      callsThatFail,
      packages,
      endToEnd,
      endToEndOnOneThread,
      endToEndOnPortable,
    ],
  },
});
