import type { PolicyConfig, Problem, RuleConfig } from '@sallyport/config';
import { parseDestination, type Destination } from '../src/destination.ts';
import { compilePolicy } from '../src/rules/compile.ts';
import { decide } from '../src/rules/decide.ts';
import type { Decision, Policy } from '../src/rules/policy.ts';
import type { ReadHostsFile } from '../src/rules/rule-hosts.ts';
import { ip } from '../../addresses/test/literal.ts';

/** What `hosts_file` may name in these tests. */
export const HOSTS_FILES: Readonly<Record<string, string>> = {
  'names.txt': 'a\nb.c\nlisted.example',
  'suffixes.txt': '*.a\n*.b.c\n*.below.example',
  'any.txt': '*',
  'empty.txt': '',
};

/** Reads them. */
export const readHostsFile: ReadHostsFile = (path) => {
  const text = HOSTS_FILES[path];
  return text === undefined ? { kind: 'unreadable', why: `${path} does not exist` } : { kind: 'ok', path, text };
};

/** A policy of these rules, with the defaults of the configuration for the rest. */
export function policyConfig(rules: readonly RuleConfig[], rest: Partial<PolicyConfig> = {}): PolicyConfig {
  const hints = ['loopback', 'private'];
  const destinations = { deny: ['special'], allow: [] };
  return { report_only: false, default: 'deny', hints, destinations, rules, ...rest };
}

/** The policy, compiled; an error where the test's rules have one. */
export function policyOf(rules: readonly RuleConfig[], rest: Partial<PolicyConfig> = {}): Policy {
  const { policy, problems } = compilePolicy(policyConfig(rules, rest), readHostsFile);
  const error = problems.find(({ severity }) => severity === 'error');
  if (error) throw new Error(error.message);
  return policy;
}

/** What the linter and the compiler say of these rules, as `path: message`. */
export function problemsOf(rules: readonly RuleConfig[], rest: Partial<PolicyConfig> = {}): readonly string[] {
  return compilePolicy(policyConfig(rules, rest), readHostsFile).problems.map(describeProblem);
}

export function describeProblem({ severity, path, message }: Problem): string {
  return `${severity} ${path.join('.')}: ${message}`;
}

/** Decides on a host as a client would write it. */
export function decideOn(
  policy: Policy,
  host: string,
  { port = 443, client = '10.0.0.9', listener = 'explicit' } = {},
): Decision {
  return decide(policy, { client: ip(client), listener, destination: destination(host, port) });
}

export function destination(host: string, port = 443): Destination {
  const parsed = parseDestination(host, port);
  if (parsed.kind === 'malformed') throw new Error(`${host}: ${parsed.why}`);
  return parsed;
}
