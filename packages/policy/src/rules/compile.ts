/** Compiles the configuration's rules: makes names canonical, indexes networks and hosts, reports mistakes. */
import {
  DEFAULT_NAME,
  finish,
  type PolicyConfig,
  type PortRange,
  type Problem,
  type RuleConfig,
  ruleName,
  type Steps,
} from '@sallyport/config';
import { compileNetworks } from '@sallyport/addresses';
import { compileDestinations } from '../address-rules/permit.ts';
import type { Decider, Decision, Policy, Reporting, Rule } from './policy.ts';
import { type Groups, NO_GROUPS } from './groups.ts';
import { indexHosts } from './host-index.ts';
import { lintRules } from '../lint/lint.ts';
import { isAboutNames, type ReadHostsFile, walkPatterns } from './rule-hosts.ts';

export type { Policy };

export interface CompiledPolicy {
  /** May be used only where no problem is an error. */
  readonly policy: Policy;
  readonly problems: readonly Problem[];
}

/**
 * Compiles a policy. Reports malformed patterns, files that cannot be read and names given twice (errors), and rules and patterns that
 * can never match (warnings).
 */
export function compilePolicy(
  config: PolicyConfig,
  readFile?: ReadHostsFile,
  surroundings?: Surroundings,
): CompiledPolicy {
  return finish(compilePolicyInSteps(config, readFile, surroundings));
}

/** As {@link compilePolicy}, in steps. */
export function* compilePolicyInSteps(
  config: PolicyConfig,
  readFile: ReadHostsFile = NO_FILES,
  { groups = NO_GROUPS, listeners = [] }: Surroundings = {},
): Steps<CompiledPolicy> {
  const problems: Problem[] = [];
  const names = nameRules(config.rules, problems);
  const walks = config.rules.map((rule, number) => walkPatterns(rule, number, { readFile, groups }));
  const tell = (problem: Problem): number => problems.push(problem);
  const rules = config.rules.map((rule, number) => compileRule(rule, names[number] ?? ''));
  const policy: Policy = {
    rules,
    enforced: keepOnly(rules, false),
    hosts: yield* indexHosts(walks.map((walk, number) => [number, walk(tell)])),
    literals: config.rules.flatMap((rule, number) => (rule.networks || !isAboutNames(rule) ? [number] : [])),
    byDefault: makeDecider(config.default, DEFAULT_NAME),
    reporting: compileReporting(config, rules, listeners),
    hints: compileNetworks(config.hints),
    messages: new Map(
      config.rules.flatMap(({ message }, number) => (message === undefined ? [] : [[names[number] ?? '', message]])),
    ),
    ...(config.message !== undefined && { message: config.message }),
    destinations: compileDestinations(config.destinations),
    groups,
  };
  return { policy, problems: [...problems, ...(yield* lintRules(config, { policy, walks }))] };
}

/** Other parts of a configuration that matter for its rules. */
export interface Surroundings {
  readonly groups?: Groups;
  /** Needed for those under `report_only`: rules deny nothing there. */
  readonly listeners?: readonly ReportingListener[];
}

/** A listener, as far as it matters for rules. */
interface ReportingListener {
  readonly name: string;
  readonly report_only: boolean;
}

const NO_FILES: ReadHostsFile = () => ({
  kind: 'unreadable',
  why: 'files cannot be read here; list the names in hosts',
});

/** Names are log fields and metric labels, so no two may be alike. */
function nameRules(rules: readonly RuleConfig[], problems: Problem[]): readonly string[] {
  const names = rules.map(ruleName);
  const firstUses = new Map<string, number>();
  for (const [number, name] of names.entries()) {
    const path = ['policy', 'rules', number, ...(rules[number]?.name === undefined ? [] : ['name'])];
    const firstUse = firstUses.get(name);
    if (name === DEFAULT_NAME) {
      const message = `a rule named ${name} cannot be told from the default in log and metrics; give it another name`;
      problems.push({ severity: 'warning', path, message });
    }
    if (firstUse === undefined) firstUses.set(name, number);
    else problems.push({ severity: 'error', path, message: explainTwins(name, firstUse) });
  }
  return names;
}

function explainTwins(name: string, firstUse: number): string {
  return `${JSON.stringify(name)} is the name of rule ${firstUse + 1} already; give each rule a name of its own`;
}

function compileRule(rule: RuleConfig, name: string): Rule {
  return {
    name,
    ...makeDecider(rule.action, name, rule.egress),
    isReportOnly: rule.action === 'deny' && rule.report_only === true,
    ...(rule.clients && { clients: compileNetworks(rule.clients), clientNetworks: rule.clients }),
    ...(rule.users && { users: new Set(rule.users) }),
    ...(rule.listeners && { listeners: new Set(rule.listeners) }),
    ...((rule.networks !== undefined || isAboutNames(rule)) && { networks: compileNetworks(rule.networks ?? []) }),
    ...(rule.ports && { ports: mergePorts(rule.ports) }),
  };
}

function makeDecider(action: 'allow' | 'deny', rule: string, egress?: readonly string[]): Decider {
  const decision: Decision = { decision: action, rule, ...(egress && { egress }) };
  const reported: Decision = action === 'deny' ? { decision: 'report', rule, wouldDeny: rule } : decision;
  return { action, decision, reported };
}

function keepOnly(rules: readonly Rule[], isReportOnly: boolean): readonly (Rule | undefined)[] {
  return rules.map((rule) => (rule.isReportOnly === isReportOnly ? rule : undefined));
}

function compileReporting(
  config: PolicyConfig,
  rules: readonly Rule[],
  listeners: readonly ReportingListener[],
): Reporting {
  return {
    isEverywhere: config.report_only,
    listeners: new Set(listeners.filter(({ report_only }) => report_only).map(({ name }) => name)),
    rules: rules.some(({ isReportOnly }) => isReportOnly) ? keepOnly(rules, true) : [],
    note: noteOnce(),
  };
}

/** Each combination of rules is made when it first occurs: of all possible pairs, few ever do. */
function noteOnce(): Reporting['note'] {
  const known = new Map<Rule, Map<Decision, Decision>>();
  return (decision, rule) => {
    const ofRule = known.get(rule) ?? new Map<Decision, Decision>();
    if (ofRule.size === 0) known.set(rule, ofRule);
    const noted = ofRule.get(decision) ?? noteRule(decision, rule);
    ofRule.set(decision, noted);
    return noted;
  };
}

function noteRule(decision: Decision, { name: wouldDeny }: Rule): Decision {
  if (decision.decision !== 'allow') return { ...decision, wouldDeny };
  return { ...decision, decision: 'report', wouldDeny, ruled: 'allow' };
}

function mergePorts(ports: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ports.toSorted((a, b) => a.from - b.from)) {
    const previous = merged.at(-1);
    if (previous && range.from <= previous.to + 1) {
      merged[merged.length - 1] = { from: previous.from, to: Math.max(previous.to, range.to) };
    } else {
      merged.push(range);
    }
  }
  return merged;
}
