/** What a decision costs with many rules, and with many names: the part of a tunnel's set-up that grows with the configuration. */
import { parseIp } from '@sallyport/addresses';
import {
  compilePolicy,
  decide,
  type Destination,
  parseDestination,
  type Policy,
  type ReadHostsFile,
} from '@sallyport/policy';
import type { Options } from './options.ts';
import { formatFigures, formatPlainTable } from './table.ts';

type Rules = Parameters<typeof compilePolicy>[0]['rules'];

const manyRules = { label: '10,000 rules with 10 names each', rules: 10_000, hostsEach: 10 };
const manyHosts = { label: '1 rule with 1,000,000 names', rules: 1, hostsEach: 1_000_000 };
const manyLines = { label: '1 rule with 1,000,000 lines in a file', rules: 1, hostsEach: 1_000_000, isFile: true };

/** Times decide() on names that the first, the last and no rule matches, every other pattern a `*.` one. */
export function decisionCost({ sizes, runs }: Options): string {
  const lines = [manyRules, manyHosts, manyLines].map(({ label, rules, hostsEach, ...how }) => {
    const made = makeRules(rules, hostsEach);
    const { policy, seconds } = 'isFile' in how ? compileTimed(...intoFiles(made)) : compileTimed(made);
    const cost = (host: string): string => {
      const figures = Array.from({ length: runs }, () => timeDecisions(policy, destination(host), sizes.decisions));
      return formatFigures(figures, 2);
    };
    const lastHost = hostOf(rules - 1, hostsEach - 1);
    return [label, formatFigures([seconds], 2), cost(hostOf(0, 0)), cost(`a.b.${lastHost}`), cost('a.nowhere.example')];
  });
  const headings = ['', 'compile, s', 'first, µs', 'last, by suffix, µs', 'none, µs'];
  return formatPlainTable('Decision', 'µs for each decide(), on one core.', [headings, ...lines]);
}

function makeRules(rules: number, hostsEach: number): Rules {
  return Array.from({ length: rules }, (_, rule) => ({
    name: `rule ${rule}`,
    action: 'allow',
    ports: [{ from: 443, to: 443 }],
    hosts: Array.from({ length: hostsEach }, (_, host) =>
      host % 2 === 0 ? hostOf(rule, host) : `*.${hostOf(rule, host)}`,
    ),
  }));
}

/** The same rules, their names in files; these are in memory already, for a disk is not what is measured. */
function intoFiles(rules: Rules): [Rules, ReadHostsFile] {
  const texts = rules.map(({ hosts = [] }) => hosts.join('\n'));
  const named = rules.map(({ name = '', action, ports = [] }, at) => ({ name, action, ports, hosts_file: String(at) }));
  return [named, (path) => ({ kind: 'ok', path, text: texts[Number(path)] ?? '' })];
}

function hostOf(rule: number, host: number): string {
  return `host-${host}.rule-${rule}.example`;
}

function compileTimed(
  rules: Rules,
  readHostsFile?: ReadHostsFile,
): { readonly policy: Policy; readonly seconds: number } {
  const started = performance.now();
  const destinations = { deny: ['special'], allow: [] };
  const { policy, problems } = compilePolicy(
    { report_only: false, default: 'deny', hints: ['private'], rules, destinations },
    readHostsFile,
  );
  const [problem] = problems;
  if (problem) throw new Error(`the rules of the benchmark: ${problem.message}`);
  return { policy, seconds: (performance.now() - started) / 1000 };
}

function destination(host: string): Destination {
  const parsed = parseDestination(host, 443);
  if (parsed.kind === 'malformed') throw new Error(`${host} is no host`);
  return parsed;
}

function timeDecisions(policy: Policy, asked: Destination, decisions: number): number {
  const client = parseIp('192.0.2.1');
  if (!client) throw new Error('192.0.2.1 is no address');
  const request = { client, listener: 'explicit', destination: asked };
  const started = performance.now();
  for (let count = 0; count < decisions; count++) decide(policy, request);
  return ((performance.now() - started) * 1000) / decisions;
}
