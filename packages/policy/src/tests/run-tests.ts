/** Runs the tests of a configuration: each asks the policy as a door would. */
import { parseIp } from '@sallyport/addresses';
import type { Problem, TestConfig } from '@sallyport/config';
import { destinationAt } from '../destination.ts';
import type { Policy, PolicyRequest } from '../rules/policy.ts';
import { deciderText } from '../rules/rule-names.ts';
import { judgeRequest } from './judge-request.ts';

/**
 * Reports each test that fails, with the rule that decided instead.
 * @param firstListener the door of a test that names none
 */
export function runTests(policy: Policy, tests: readonly TestConfig[], firstListener: string): readonly Problem[] {
  return tests.flatMap((test, number) => {
    const request = requestOf(test, firstListener);
    if (typeof request === 'string')
      return [{ severity: 'error', path: ['tests', number, 'to'], message: `${request}; write host:port` }];
    const message = explainFailure(policy, test, request);
    return message === undefined ? [] : [{ severity: 'error', path: ['tests', number], message }];
  });
}

/** The request of a test; a clause on its destination where no client could make it. */
export function requestOf({ client, user, listener, to }: TestConfig, firstListener: string): PolicyRequest | string {
  const ip = parseIp(client);
  const destination = destinationAt(to);
  if (destination.kind === 'malformed') return destination.why;
  if (!ip) return 'the client is no address';
  return { client: ip, listener: listener ?? firstListener, user, destination };
}

function explainFailure(policy: Policy, test: TestConfig, request: PolicyRequest): string | undefined {
  const { verdict, rule, detail } = judgeRequest(policy, request);
  const found = verdict === 'deny' ? 'deny' : 'allow';
  const isMet = found === test.expect && (test.rule === undefined || test.rule === rule);
  if (isMet) return undefined;
  const by = test.rule === undefined ? '' : ` by ${deciderText(test.rule)}`;
  const reported = verdict === 'report' ? ', as report_only lets it pass' : '';
  return `expected ${test.expect}${by}, but ${deciderText(rule)} decides: ${found}${reported}${detail ? ` (${detail})` : ''}`;
}
