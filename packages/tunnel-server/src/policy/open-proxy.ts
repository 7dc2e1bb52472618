/** Doors that stand open to the world. */
import type { Network, PolicyConfig, Problem, RuleConfig } from '@sallyport/config';
import { parseIp } from '../addresses/ip.ts';
import { compileNetworks } from '../addresses/networks.ts';

interface ListenerConfig {
  readonly name: string;
  readonly bind: readonly { readonly host: string; readonly port: number }[];
  /** Credentials are asked for. */
  readonly auth?: unknown;
}

/**
 * Warns of each listener that serves any client, any destination, without credentials, on an address that is not
 * loopback. Ports do not close such a door: whoever finds it can still reach every host through it.
 */
export function lintOpenProxy(config: {
  readonly listeners: readonly ListenerConfig[];
  readonly policy: PolicyConfig;
}): readonly Problem[] {
  return config.listeners.flatMap((listener, number) => {
    const bind = listener.bind.find(({ host }) => !isLoopback(host));
    if (!bind || listener.auth !== undefined || !isOpen(config.policy, listener.name)) return [];
    const message =
      `listener ${listener.name} on ${bind.host} takes any client to any destination without credentials; ` +
      `name clients or destinations in policy.rules, or bind it to 127.0.0.1`;
    return [{ severity: 'warning', path: ['listeners', number], message }];
  });
}

/** Goes through the rules until one lets anyone in, or shuts everyone out. */
function isOpen(policy: PolicyConfig, listener: string): boolean {
  if (policy.report_only) return true;
  const rules = policy.rules.filter(({ listeners }) => !listeners || listeners.includes(listener));
  const deciding = rules.find((rule) => (rule.action === 'allow' ? letsAnyoneIn(rule) : shutsEveryoneOut(rule)));
  return (deciding?.action ?? policy.default) === 'allow';
}

/** All clients of one family are any client; all names, or all addresses of one family, are any destination. */
function letsAnyoneIn({ clients, hosts, networks }: RuleConfig): boolean {
  if (clients && !holdsWholeFamily(clients)) return false;
  if (!hosts && !networks) return true;
  return (hosts ?? []).includes('*') || holdsWholeFamily(networks ?? []);
}

function shutsEveryoneOut({ clients, hosts, networks, ports }: RuleConfig): boolean {
  return (!clients || compileNetworks(clients).covers(ANYWHERE)) && !hosts && !networks && !ports;
}

const ANYWHERE = compileNetworks(['any']);
const ALL_IPV4 = compileNetworks(['0.0.0.0/0']);
const ALL_IPV6 = compileNetworks(['::/0']);

function holdsWholeFamily(networks: readonly Network[]): boolean {
  const addresses = compileNetworks(networks);
  return addresses.covers(ALL_IPV4) || addresses.covers(ALL_IPV6);
}

const LOOPBACK = compileNetworks(['loopback']);

function isLoopback(host: string): boolean {
  const ip = parseIp(host);
  return ip !== undefined && LOOPBACK.contains(ip);
}
