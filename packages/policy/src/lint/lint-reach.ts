/** Warns of risks that the author of a list may have missed: names that anybody can register, hosts to upload to, other proxies, messages that clients cannot read. */
import type { PolicyConfig, PortRange, Problem, RuleConfig } from '@sallyport/config';
import { holdsStrangers, isBelowListed } from '../learn/public-suffixes.ts';
import type { HostPattern } from '../rules/host-patterns.ts';
import { groupNamed, type Groups, patternsOf } from '../rules/groups.ts';
import { lintLongMessages } from './long-messages.ts';
import { lintLostCharacters } from './lost-characters.ts';
import { UPLOAD_HOSTS } from './upload-hosts.ts';

export interface ReachConfig {
  readonly policy: PolicyConfig;
  readonly tests?: readonly unknown[];
}

/** Warns of rules that allow more than their lists seem to. Lists in files are not checked. */
export function lintReach({ policy, tests = [] }: ReachConfig, groups: Groups): readonly Problem[] {
  return [
    ...policy.rules.flatMap((rule, number) =>
      rule.action === 'allow' ? [...lintHosts(rule, number, groups), ...lintPorts(rule, number)] : [],
    ),
    ...lintTests(policy, tests),
    ...lintLongMessages(policy),
    ...lintLostCharacters(policy),
  ];
}

function lintHosts({ hosts = [] }: RuleConfig, number: number, groups: Groups): readonly Problem[] {
  return hosts.flatMap((text, at) => {
    // Such a group is used on purpose: its name says what it allows.
    if (groupNamed(text)?.endsWith('-write')) return [];
    return [...patternsOf(text, groups, () => undefined)].flatMap((pattern) => {
      const message = explainStrangers(pattern) ?? explainUploads(pattern);
      return message === undefined ? [] : [warning(['policy', 'rules', number, 'hosts', at], message)];
    });
  });
}

function explainStrangers(pattern: HostPattern): string | undefined {
  if (pattern.kind !== 'below' || !holdsStrangers(pattern.suffix) || !isBelowListed(pattern.suffix)) return undefined;
  return `*.${pattern.suffix} holds names that strangers can have; list the names below it that are meant`;
}

function explainUploads(pattern: HostPattern): string | undefined {
  if (pattern.kind === 'any') return undefined;
  const host = UPLOAD_HOSTS.find((each) =>
    pattern.kind === 'exact' ? each === pattern.name : each === pattern.suffix || each.endsWith(`.${pattern.suffix}`),
  );
  if (host === undefined) return undefined;
  return `${host} takes uploads from whoever has an account there, so data can leave by it; allow only the users or clients that need it`;
}

/** The usual ports of proxies (IANA: 1080 socks; 3128 and 8080 by custom). */
const PROXY_PORTS = [1080, 3128, 8080] as const;

function lintPorts({ ports = [] }: RuleConfig, number: number): readonly Problem[] {
  return ports.flatMap((range: PortRange, at) => {
    const found = PROXY_PORTS.filter((port) => range.from <= port && port <= range.to);
    if (found.length === 0) return [];
    const message =
      found.length === 1
        ? `port ${found.join('')} is where proxies listen: a tunnel to one reaches every host that it reaches; leave it out, or name the hosts`
        : `ports ${found.join(', ')} are where proxies listen: a tunnel to one reaches every host that it reaches; leave them out, or name the hosts`;
    return [warning(['policy', 'rules', number, 'ports', at], message)];
  });
}

/** So many rules are hard to oversee without tests. */
const RULES_WITHOUT_TESTS = 20;

function lintTests({ rules }: PolicyConfig, tests: readonly unknown[]): readonly Problem[] {
  if (rules.length <= RULES_WITHOUT_TESTS || tests.length > 0) return [];
  const message = `${rules.length} rules and no test of them; write down in tests what must be allowed and what denied`;
  return [warning(['policy', 'rules'], message)];
}

function warning(path: Problem['path'], message: string): Problem {
  return { severity: 'warning', path, message };
}
