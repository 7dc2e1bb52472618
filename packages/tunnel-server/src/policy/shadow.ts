/** Rules that never get their turn: an earlier one matches all that they match. */
import type { PortRange } from '@sallyport/config';
import { compileNetworks, type NetworkSet } from '../addresses/networks.ts';
import type { Policy } from './decide.ts';
import { rulesCovering } from './host-index.ts';
import type { HostPattern } from './host-patterns.ts';

/**
 * So many pairs of rules are compared for one policy and no more: one of ten thousand rules must still load at once.
 */
const MAX_COMPARISONS = 1_000_000;

/** A compiled policy, and what its index has forgotten: which patterns each rule has. */
export interface RuleBook {
  readonly policy: Policy;
  /** By number of rule. */
  readonly patterns: readonly (readonly HostPattern[])[];
}

/**
 * The numbers of rules that can never match, and of the rule that sees to it. What only several rules cover together
 * is not found.
 */
export function findShadows({ policy, patterns }: RuleBook): ReadonlyMap<number, number> {
  const shadows = new Map<number, number>();
  let comparisons = 0;
  for (const [number, names] of patterns.entries()) {
    for (const other of earlierCandidates(policy, names, number)) {
      if (++comparisons > MAX_COMPARISONS) return shadows;
      if (!coversConditions(policy, other, number) || !coversNames(policy, other, names)) continue;
      shadows.set(number, other);
      break;
    }
  }
  return shadows;
}

/**
 * Only a rule that covers the first pattern can cover them all; a rule without names can only be covered by one for
 * literals.
 */
function* earlierCandidates(policy: Policy, names: readonly HostPattern[], number: number): Iterable<number> {
  const [first] = names;
  for (const rules of first ? rulesCovering(policy.hosts, first) : [policy.literals]) {
    for (const other of rules) {
      if (other >= number) break;
      yield other;
    }
  }
}

function coversConditions({ rules }: Policy, other: number, number: number): boolean {
  const [shadow, rule] = [rules[other], rules[number]];
  return (
    shadow !== undefined &&
    rule !== undefined &&
    coversNetworks(shadow.clients, rule.clients) &&
    coversNetworks(shadow.networks, rule.networks) &&
    coversListeners(shadow.listeners, rule.listeners) &&
    coversPorts(shadow.ports, rule.ports)
  );
}

function coversNames({ hosts }: Policy, other: number, names: readonly HostPattern[]): boolean {
  return names.every((pattern) => rulesCovering(hosts, pattern).some((rules) => rules.includes(other)));
}

const ANY_ADDRESS = compileNetworks(['any']);

function coversNetworks(shadow: NetworkSet | undefined, networks: NetworkSet = ANY_ADDRESS): boolean {
  return shadow === undefined || shadow.covers(networks);
}

function coversListeners(shadow: ReadonlySet<string> | undefined, listeners: ReadonlySet<string> | undefined): boolean {
  if (shadow === undefined) return true;
  return listeners !== undefined && [...listeners].every((listener) => shadow.has(listener));
}

const ANY_PORT: readonly PortRange[] = [{ from: 1, to: 65_535 }];

function coversPorts(shadow: readonly PortRange[] | undefined, ports: readonly PortRange[] = ANY_PORT): boolean {
  if (shadow === undefined) return true;
  return ports.every(({ from, to }) => shadow.some((range) => range.from <= from && to <= range.to));
}
