/** Finds allowed names that resolve to addresses which `destinations` refuses. It asks the resolver as a tunnel does. */
import type { Config, Problem, RuleConfig } from '@sallyport/config';
import { judgeAddress, parseDestination, type Policy } from '@sallyport/policy';
import { type Answer, Resolver } from '@sallyport/resolver';
import { chooseEgress } from './explain-egress.ts';

/** At most so many names are looked up, and for so long. */
const ASKED = 100;
const PATIENCE_MS = 1500;

/**
 * Warns of each exact name in `hosts` that has addresses now, but no permitted one. A name that does not resolve is ignored, and so is one
 * that a parent resolves: `destinations` does not see its addresses.
 */
export async function lintNames(config: Config, policy: Policy): Promise<readonly Problem[]> {
  const { dns } = config;
  const names = config.policy.rules.flatMap((rule, number) =>
    rule.action === 'allow' && !isResolvedByParent(rule, config)
      ? (rule.hosts ?? []).flatMap((text, at) => exactName(text, ['policy', 'rules', number, 'hosts', at]))
      : [],
  );
  const resolver = new Resolver({ ...dns, timeout: Math.min(dns.timeout, PATIENCE_MS) });
  try {
    const problems = await Promise.all(names.slice(0, ASKED).map((each) => lintName(each, resolver, policy)));
    return problems.flat();
  } finally {
    resolver.close();
  }
}

function isResolvedByParent({ name = '', egress }: RuleConfig, config: Config): boolean {
  return chooseEgress(config, { rule: name, ...(egress && { egress }) }, { kind: 'name' }).resolvesNames;
}

interface NamedHost {
  readonly host: string;
  readonly path: Problem['path'];
}

function exactName(text: string, path: Problem['path']): readonly NamedHost[] {
  const destination = parseDestination(text, 443);
  return destination.kind === 'name' ? [{ host: destination.host, path }] : [];
}

/** Each name counts as a client of its own, so that the share of look-ups does not apply. */
async function lintName({ host, path }: NamedHost, resolver: Resolver, policy: Policy): Promise<readonly Problem[]> {
  const answer = await wholeAnswer(host, resolver);
  if (answer.kind !== 'addresses' || answer.rest) return [];
  const verdicts = answer.addresses.map((ip) => judgeAddress(ip, policy.destinations));
  const refused = verdicts.flatMap((verdict) => (verdict.kind === 'refused' ? [verdict.why] : []));
  if (refused.length < verdicts.length) return [];
  const message =
    `${host} leads to no address that may be dialled: ${refused[0] ?? ''}; ` +
    'list its network in policy.destinations.allow if it is meant';
  return [{ severity: 'warning', path, message }];
}

/** The addresses of a family that has not answered may be permitted ones. */
async function wholeAnswer(host: string, resolver: Resolver): Promise<Answer> {
  const answer = await resolver.resolve(host, host).done;
  return answer.kind === 'addresses' && answer.rest ? answer.rest.ask(host).done : answer;
}
