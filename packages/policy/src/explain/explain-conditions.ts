/** The conditions of a rule in words, as they are written in the configuration. */
import { compileNetworks, type Ip, type Network } from '@sallyport/addresses';
import type { PortRange, RuleConfig } from '@sallyport/config';
import type { Destination } from '../destination.ts';
import type { Condition } from '../rules/conditions.ts';
import type { PolicyRequest } from '../rules/policy.ts';
import { groupNamed, type Groups, patternsOf } from '../rules/groups.ts';
import { patternText, widerPatterns } from '../rules/host-patterns.ts';
import { isAboutNames } from '../rules/rule-hosts.ts';

/** Why a rule's lists do not match a destination: it lists names and the destination is a literal, for example. */
export function explainUnnamed(rule: RuleConfig, { destination }: PolicyRequest): string {
  const { kind, host } = destination;
  if (kind === 'address') return `${hostKeys(rule)}: ${host} is an IP address, which only networks match`;
  return isAboutNames(rule)
    ? `${hostKeys(rule)}: ${host} is not listed`
    : `networks: ${host} is a name, which only hosts match`;
}

/** Why a request does not meet a condition of a rule. */
export function explainUnmet(key: Condition['key'], rule: RuleConfig, request: PolicyRequest): string {
  const { client, listener, user, destination } = request;
  switch (key) {
    case 'ports':
      return `ports: ${destination.port} is not ${anyOf((rule.ports ?? []).map(portsText))}`;
    case 'listeners':
      return `listeners: ${listener} is not ${anyOf(rule.listeners)}`;
    case 'users':
      return user === undefined
        ? `users: the client is not known to be ${anyOf(rule.users)}`
        : `users: ${user} is not ${anyOf(rule.users)}`;
    case 'clients':
      return `clients: ${client.text} is not in ${anyOf(rule.clients)}`;
    case 'networks':
      return `networks: ${destination.host} is not in ${anyOf(rule.networks)}`;
  }
}

/** How a request meets the conditions of a rule, key by key. */
export function explainMet(rule: RuleConfig, request: PolicyRequest, groups: Groups): readonly string[] {
  const { client, listener, user = '', destination } = request;
  const ports = rule.ports?.find(({ from, to }) => from <= destination.port && destination.port <= to);
  return [
    ...explainListed(rule, destination, groups),
    ...(ports ? [`ports: ${destination.port} matches ${portsText(ports)}`] : []),
    ...(rule.listeners ? [`listeners: ${listener} is listed`] : []),
    ...(rule.users ? [`users: ${user} is listed`] : []),
    ...(rule.clients ? [`clients: ${client.text} is in ${networkOf(rule.clients, client)}`] : []),
  ];
}

function explainListed(rule: RuleConfig, destination: Destination, groups: Groups): readonly string[] {
  if (destination.kind === 'address') {
    return rule.networks ? [`networks: ${destination.host} is in ${networkOf(rule.networks, destination.ip)}`] : [];
  }
  if (!isAboutNames(rule)) return [];
  const name = { kind: 'exact', name: destination.host } as const;
  const matching = new Set([destination.host, ...widerPatterns(name)]);
  for (const text of rule.hosts ?? []) {
    for (const pattern of patternsOf(text, groups, () => undefined)) {
      if (!matching.has(patternText(pattern))) continue;
      const group = groupNamed(text) === undefined ? '' : ` of the group ${text}`;
      return [`hosts: ${destination.host} matches ${group === '' ? text : patternText(pattern)}${group}`];
    }
  }
  return [`hosts_file: ${rule.hosts_file} lists ${destination.host}`];
}

/** The network, as listed, that contains the address. All networks where only the address embedded in it is contained. */
function networkOf(networks: readonly Network[], ip: Ip): string {
  return compileNetworks(networks).find(ip) ?? anyOf(networks);
}

function hostKeys({ hosts, hosts_file }: RuleConfig): string {
  return [...(hosts ? ['hosts'] : []), ...(hosts_file === undefined ? [] : ['hosts_file'])].join(', ');
}

/** `443`, or `8000-8999`. */
export function portsText({ from, to }: PortRange): string {
  return from === to ? `${from}` : `${from}-${to}`;
}

/** How many entries of a list are named. */
const NAMED = 4;

/** `a or b`, and how many more. */
export function anyOf(list: readonly string[] = []): string {
  if (list.length === 0) return 'anything (the list is empty)';
  const more = list.length > NAMED ? `, or ${list.length - NAMED} more` : '';
  return `${list.slice(0, NAMED).join(' or ')}${more}`;
}
