/** Finds settings that make the list of destinations ineffective. */
import { compileNetworks } from '@sallyport/addresses';
import type { PolicyConfig, Problem } from '@sallyport/config';

interface ListenerConfig {
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly dial?: 'sni' | 'original';
  readonly verify_sni?: 'off' | 'report' | 'enforce';
}

/** Warns of each setting that lets clients avoid the list unnoticed. */
export function lintVoidList({
  listeners,
  policy,
}: {
  readonly listeners: readonly ListenerConfig[];
  readonly policy: PolicyConfig;
}): readonly Problem[] {
  return [...listeners.flatMap(lintUncheckedNames), ...lintSpecial(policy), ...lintDefault(policy)];
}

/** The rules judge the name, but the client chooses both the name and the address. */
function lintUncheckedNames({ name, dial, verify_sni }: ListenerConfig, number: number): readonly Problem[] {
  if (dial !== 'original' || verify_sni === 'enforce') return [];
  const message =
    `listener ${name} judges the name and dials whatever address the client chose: with a name that is allowed, clients ` +
    `reach any address; write verify_sni: enforce beside it, or dial: sni`;
  return [warning(['listeners', number, 'dial'], message)];
}

const SPECIAL = compileNetworks(['special']);
const ALL_IPV4 = compileNetworks(['0.0.0.0/0']);
const ALL_IPV6 = compileNetworks(['::/0']);

function lintSpecial({ destinations: { deny, allow } }: PolicyConfig): readonly Problem[] {
  if (!compileNetworks(deny).covers(SPECIAL)) {
    const message =
      'the list leaves out special: whoever owns a name that is allowed has it lead to this network (127.0.0.1, 10.0.0.0/8, ' +
      '169.254.169.254); add special, and list exceptions in policy.destinations.allow';
    return [warning(['policy', 'destinations', 'deny'], message)];
  }
  const exceptions = compileNetworks(allow);
  if (![SPECIAL, ALL_IPV4, ALL_IPV6].some((all) => exceptions.covers(all))) return [];
  const message =
    'the exceptions are all that policy.destinations.deny refuses: whoever owns a name that is allowed has it lead to this ' +
    'network; list only the networks that clients are to reach';
  return [warning(['policy', 'destinations', 'allow'], message)];
}

/** Rules that allow say which requests are denied only if the default denies the others. */
function lintDefault({ default: otherwise, rules }: PolicyConfig): readonly Problem[] {
  if (otherwise !== 'allow' || rules.length === 0 || rules.some(({ action }) => action === 'deny')) return [];
  const message = 'what no rule matches is allowed too, so that rules that allow decide nothing; write default: deny';
  return [warning(['policy', 'default'], message)];
}

function warning(path: Problem['path'], message: string): Problem {
  return { severity: 'warning', path, message };
}
