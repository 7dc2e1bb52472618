/** Finds doors that any client on the Internet could use. */
import { compileNetworks, type Network, parseIp } from '@sallyport/addresses';
import { type Bind, bindText, type PolicyConfig, type Problem, type RuleConfig } from '@sallyport/config';
import type { Policy } from '../rules/policy.ts';
import { isAboutNames } from '../rules/rule-hosts.ts';

interface ListenerConfig {
  readonly name: string;
  readonly bind: readonly Bind[];
  readonly report_only?: boolean;
  /** Set where credentials are asked for. */
  readonly auth?: unknown;
  readonly tls?: { readonly client_ca?: unknown };
}

/**
 * Warns of each listener that serves any client, any destination, without credentials, on an address that is not loopback. A restriction
 * of ports is no protection: any client can still reach every host through it.
 */
export function lintOpenProxy(
  config: { readonly listeners: readonly ListenerConfig[]; readonly policy: PolicyConfig },
  { hosts }: Policy,
): readonly Problem[] {
  const matchingAnyName = new Set(hosts.any);
  return config.listeners.flatMap((listener, number) => {
    const bind = listener.bind.find((one) => !isLoopback(one));
    if (!bind || knowsItsClients(listener) || !isOpen(config.policy, matchingAnyName, listener)) return [];
    const message =
      `listener ${listener.name} on ${'host' in bind ? bind.host : bindText(bind)} takes any client to any destination without credentials; ` +
      `name clients or destinations in policy.rules, or bind it to 127.0.0.1`;
    return [{ severity: 'warning', path: ['listeners', number], message }];
  });
}

/** Checks the rules in order, until one allows every client or denies every client. */
function isOpen(policy: PolicyConfig, matchingAnyName: ReadonlySet<number>, listener: ListenerConfig): boolean {
  if (policy.report_only || listener.report_only) return true;
  const deciding = policy.rules.find((rule, number) => {
    if (rule.report_only || (rule.listeners && !rule.listeners.includes(listener.name))) return false;
    return rule.action === 'allow' ? letsAnyoneIn(rule, matchingAnyName.has(number)) : shutsEveryoneOut(rule);
  });
  return (deciding?.action ?? policy.default) === 'allow';
}

/** Whether a door authenticates its clients, by password or by certificate. */
export function knowsItsClients({ auth, tls }: Pick<ListenerConfig, 'name' | 'auth' | 'tls'>): boolean {
  return auth !== undefined || tls?.client_ca !== undefined;
}

/** All clients of one family count as any client; all names, or all addresses of one family, count as any destination. */
function letsAnyoneIn({ clients, users, networks }: RuleConfig, matchesAnyName: boolean): boolean {
  if (users || (clients && !holdsWholeFamily(clients))) return false;
  return matchesAnyName || holdsWholeFamily(networks ?? []);
}

function shutsEveryoneOut(rule: RuleConfig): boolean {
  const { clients, users, networks, ports } = rule;
  if (clients && !compileNetworks(clients).covers(ANYWHERE)) return false;
  return !users && !isAboutNames(rule) && !networks && !ports;
}

const ANYWHERE = compileNetworks(['any']);
const ALL_IPV4 = compileNetworks(['0.0.0.0/0']);
const ALL_IPV6 = compileNetworks(['::/0']);

function holdsWholeFamily(networks: readonly Network[]): boolean {
  const addresses = compileNetworks(networks);
  return addresses.covers(ALL_IPV4) || addresses.covers(ALL_IPV6);
}

const LOOPBACK = compileNetworks(['loopback']);

/** The address of a passed socket is known only at the start: it may be any. */
function isLoopback(bind: Bind): boolean {
  const ip = 'host' in bind ? parseIp(bind.host) : undefined;
  return ip !== undefined && LOOPBACK.contains(ip);
}
