import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Closes the run with one plain line, `N passed, N failed, N skipped`, for scripts that read the end of a log. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    // An error that no test has handled fails the run as well.
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[stateOf(test)] += 1;
      // A file or a suite that breaks before its first test, or outside any, has failed too.
      for (const part of [module, ...module.children.allSuites()]) if (part.errors().length > 0) count.failed += 1;
    }
    process.stdout.write(
      `\n${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped\n`,
    );
  }
}

function stateOf(test: TestCase): 'passed' | 'failed' | 'skipped' | 'pending' {
  return test.result().state;
}
