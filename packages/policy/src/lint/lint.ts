/** Finds what the author of a policy probably did not intend. All are warnings: the policy applies as written. */
import { compileNetworks, type Network } from '@sallyport/addresses';
import { type PolicyConfig, type Problem, type RuleConfig, type Steps, stepsOf } from '@sallyport/config';
import type { DestinationRules } from '../address-rules/permit.ts';
import { networkForms } from '../address-rules/special-forms.ts';
import type { Policy, Rule } from '../rules/policy.ts';
import { lintPatterns } from './lint-patterns.ts';
import { type Groups, groupNamed } from '../rules/groups.ts';
import { firstPattern, isAboutNames, type WalkPatterns } from '../rules/rule-hosts.ts';
import { findShadows, type RuleBook } from './shadow.ts';

/** Warns of rules and patterns that can never match, of networks that `destinations` refuses anyway, and of lists that forget IPv6. */
export function* lintRules({ rules, destinations }: PolicyConfig, book: RuleBook): Steps<readonly Problem[]> {
  const isStep = stepsOf(RULES_A_STEP);
  const shadows = yield* findShadows(book);
  const ofRules: Problem[] = [];
  for (const [number, rule] of rules.entries()) {
    if (isStep()) yield;
    ofRules.push(
      ...(yield* lintMatching(rule, number, book, shadows.get(number))),
      ...lintRefusedNetworks(rule, number, book.policy),
      ...lintForgottenIpv6(rule.clients, ['policy', 'rules', number, 'clients']),
      ...lintForgottenIpv6(rule.networks, ['policy', 'rules', number, 'networks']),
    );
  }
  return [
    ...ofRules,
    ...(yield* lintPatterns(rules, book.policy, shadows)),
    ...lintForgottenIpv6(destinations.deny, ['policy', 'destinations', 'deny']),
    ...lintForgottenIpv6(destinations.allow, ['policy', 'destinations', 'allow']),
    ...lintVainExceptions(destinations, book.policy),
  ];
}

const RULES_A_STEP = 32;

function* lintMatching(
  config: RuleConfig,
  number: number,
  { policy: { rules, groups }, walks }: RuleBook,
  shadowNumber: number | undefined,
): Steps<readonly Problem[]> {
  const rule = rules[number];
  if (!rule) return [];
  if (namesOnlyEmptyGroups(config, groups)) {
    return [warning(['policy', 'rules', number, 'hosts'], explainEmptyGroups(rule))];
  }
  const emptyList = yield* findEmptyList(config, walks[number]);
  if (emptyList) return [warning(['policy', 'rules', number, emptyList], explainEmptyList(rule, emptyList))];
  const shadow = shadowNumber === undefined ? undefined : rules[shadowNumber];
  return shadow ? [warning(['policy', 'rules', number], explainShadow(rule, shadow))] : [];
}

type ListName = 'clients' | 'users' | 'listeners' | 'ports' | 'hosts' | 'hosts_file' | 'networks';

/** The list because of which the rule matches nothing. With both `hosts` and `networks`, one of them is enough to match. */
function* findEmptyList(rule: RuleConfig, walk: WalkPatterns | undefined): Steps<ListName | undefined> {
  const empty = (['clients', 'users', 'listeners', 'ports'] as const).find((list) => rule[list]?.length === 0);
  if (empty) return empty;
  if (!isAboutNames(rule)) return rule.networks?.length === 0 ? 'networks' : undefined;
  if (rule.networks?.length || rule.hosts?.length || (walk && (yield* firstPattern(walk)))) return undefined;
  return rule.hosts ? 'hosts' : 'hosts_file';
}

function namesOnlyEmptyGroups({ hosts = [], hosts_file, networks = [] }: RuleConfig, groups: Groups): boolean {
  if (hosts.length === 0 || hosts_file !== undefined || networks.length > 0) return false;
  return hosts.every((text) => groups.get(groupNamed(text) ?? '')?.length === 0);
}

function explainEmptyList({ name }: Rule, list: ListName): string {
  return `rule ${name} can never match: its list of ${list} is empty; fill it, or leave ${list} out to match any`;
}

function explainEmptyGroups({ name }: Rule): string {
  return `rule ${name} can never match: its list of hosts names only empty groups; fill one, or leave hosts out to match any`;
}

function explainShadow(rule: Rule, shadow: Rule): string {
  const effect = rule.action === 'deny' && shadow.action === 'allow' ? ', and allows it' : '';
  return `rule ${rule.name} can never match: rule ${shadow.name} before it matches all that it does${effect}; move it up or remove it`;
}

function lintRefusedNetworks(rule: RuleConfig, number: number, { destinations }: Policy): readonly Problem[] {
  if (rule.action !== 'allow') return [];
  return (rule.networks ?? []).flatMap((network, at) => {
    const refused = networkForms(network).find((form) => isRefused(form, destinations));
    if (refused === undefined) return [];
    const message =
      `the rule allows ${network}${explainForm(network, refused)}, and policy.destinations refuses it all the same; ` +
      `list what is to be reached in policy.destinations.allow`;
    return [warning(['policy', 'rules', number, 'networks', at], message)];
  });
}

function lintVainExceptions({ allow }: PolicyConfig['destinations'], { destinations }: Policy): readonly Problem[] {
  return allow.flatMap((network, at) => {
    const refused = networkForms(network).find((form) => form !== network && isRefused(form, destinations));
    if (refused === undefined) return [];
    const message = `${network}${explainForm(network, refused)}, is refused as that all the same; list ${refused} too`;
    return [warning(['policy', 'destinations', 'allow', at], message)];
  });
}

function isRefused(network: Network, { deny, allow }: DestinationRules): boolean {
  const addresses = compileNetworks([network]);
  return deny.covers(addresses) && !allow.overlaps(addresses);
}

function explainForm(network: Network, form: Network): string {
  return form === network ? '' : `, the NAT64 form of ${form}`;
}

/** `0.0.0.0/0` looks like everything, and contains no IPv6 address. */
function lintForgottenIpv6(networks: readonly Network[] | undefined, path: Problem['path']): readonly Problem[] {
  const at = networks?.indexOf('0.0.0.0/0') ?? -1;
  if (!networks || at < 0 || networks.includes('::/0') || networks.includes('any')) return [];
  return [warning([...path, at], '0.0.0.0/0 is all of IPv4 and nothing of IPv6; write any if IPv6 is meant too')];
}

function warning(path: Problem['path'], message: string): Problem {
  return { severity: 'warning', path, message };
}
