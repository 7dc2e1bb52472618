import { defineConfig } from 'vitest/config';

/** The end-to-end suite runs whole with each engine. */
function endToEnd(engine: 'native' | 'portable') {
  const name = `e2e ${engine}`;
  return {
    extends: true as const,
    test: { name, include: ['test/e2e/**/*.test.ts'], env: { SALLYPORT_TEST_ENGINE: engine } },
  };
}

/** With one data thread JavaScript turns the native loop itself: all of the suite again that is about more than words. */
const endToEndOnOneThread = {
  extends: true as const,
  test: {
    name: 'e2e native, one thread',
    include: ['test/e2e/**/*.test.ts'],
    exclude: [
      'test/e2e/hostile/{garbage,spellings,heads,server-names,log-injection}.test.ts',
      'test/e2e/hosts-file.test.ts',
      'test/e2e/listener-keys.test.ts',
      'test/e2e/replicas.test.ts',
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

export default defineConfig({
  test: {
    exclude: ['**/node_modules/**', '**/dist/**'],
    reporters: ['default', './test/summary-reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'packages/*/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
            'test/{architecture,browsers,cli,docs,interop,monitoring,page,recipes}/**/*.test.ts',
          ],
        },
      },
      packages,
      endToEnd('native'),
      endToEndOnOneThread,
      endToEnd('portable'),
    ],
  },
});
