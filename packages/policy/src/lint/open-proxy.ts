/** Finds doors that any client on the Internet could use. */
import { compileNetworks, type NetworkSet, parseIp } from '@sallyport/addresses';
import { type Bind, bindText, type PolicyConfig, type Problem, type RuleConfig } from '@sallyport/config';
import type { Policy } from '../rules/policy.ts';
import { isAboutNames } from '../rules/rule-hosts.ts';

interface ListenerConfig {
  readonly name: string;
  readonly bind: readonly Bind[];
  readonly dual_stack?: boolean;
  readonly proxy_protocol?: unknown;
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
    if (knowsItsClients(listener)) return [];
    const openTo = FAMILIES.filter((family) => isOpen({ ...config.policy, matchingAnyName }, listener, family));
    const bind = listener.bind.find(
      (one) => !isLoopback(one) && openTo.some((family) => familiesAt(one, listener).includes(family)),
    );
    if (!bind) return [];
    const message =
      `listener ${listener.name} on ${'host' in bind ? bind.host : bindText(bind)} takes any client to any destination without credentials; ` +
      `name clients or destinations in policy.rules, or bind it to 127.0.0.1`;
    return [{ severity: 'warning', path: ['listeners', number], message }];
  });
}

/** All addresses of each family. */
const FAMILIES: readonly NetworkSet[] = [compileNetworks(['0.0.0.0/0']), compileNetworks(['::/0'])];

/** The families of the clients that can come. A PROXY header may name one of any family. */
function familiesAt(bind: Bind, { dual_stack, proxy_protocol }: ListenerConfig): readonly NetworkSet[] {
  const ip = 'host' in bind ? parseIp(bind.host) : undefined;
  if (!ip || proxy_protocol || (dual_stack && ip.text === '::')) return FAMILIES;
  return FAMILIES.filter((family) => family.contains(ip));
}

/** Checks the rules in order, until one allows every client of a family or denies them all. */
function isOpen(policy: OpenedPolicy, listener: ListenerConfig, family: NetworkSet): boolean {
  if (policy.report_only || listener.report_only) return true;
  const deciding = policy.rules.find((rule, number) => {
    if (rule.report_only || (rule.listeners && !rule.listeners.includes(listener.name))) return false;
    if (rule.users || (rule.clients && !compileNetworks(rule.clients).covers(family))) return false;
    return rule.action === 'allow'
      ? isToAnywhere(rule, policy.matchingAnyName.has(number))
      : isWithoutDestination(rule);
  });
  return (deciding?.action ?? policy.default) === 'allow';
}

interface OpenedPolicy extends PolicyConfig {
  /** The numbers of the rules whose hosts match any name. */
  readonly matchingAnyName: ReadonlySet<number>;
}

/** Whether a door authenticates its clients, by password or by certificate. */
export function knowsItsClients({ auth, tls }: Pick<ListenerConfig, 'name' | 'auth' | 'tls'>): boolean {
  return auth !== undefined || tls?.client_ca !== undefined;
}

/** All names, or all addresses of one family, count as any destination. */
function isToAnywhere({ networks = [] }: RuleConfig, matchesAnyName: boolean): boolean {
  const addresses = compileNetworks(networks);
  return matchesAnyName || FAMILIES.some((family) => addresses.covers(family));
}

/** Whether no destination is left. */
function isWithoutDestination(rule: RuleConfig): boolean {
  return !isAboutNames(rule) && !rule.networks && !rule.ports;
}

const LOOPBACK = compileNetworks(['loopback']);

/** The address of a passed socket is known only at the start: it may be any. */
function isLoopback(bind: Bind): boolean {
  const ip = 'host' in bind ? parseIp(bind.host) : undefined;
  return ip !== undefined && LOOPBACK.contains(ip);
}
