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

/**
 * Goes through the rules as an unknown client with an unknown destination would: only rules without conditions decide.
 */
function isOpen(policy: PolicyConfig, listener: string): boolean {
  if (policy.report_only) return true;
  const deciding = policy.rules.find(
    (rule) => matchesAnyone(rule, listener) && (rule.action === 'allow' || !rule.ports),
  );
  return (deciding?.action ?? policy.default) === 'allow';
}

function matchesAnyone({ clients, listeners, hosts, networks }: RuleConfig, listener: string): boolean {
  const takesAnyDestination = hosts ? hosts.includes('*') : networks === undefined || holdsWholeFamily(networks);
  return (!clients || holdsWholeFamily(clients)) && (!listeners || listeners.includes(listener)) && takesAnyDestination;
}

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
