/** Finds the allowed request closest to a refused one, as a hint for the client. */
import { compileNetworks, type Ip, type Network } from '@sallyport/addresses';
import type { PortRange } from '@sallyport/config';
import type { Destination } from '../destination.ts';
import { anyOf, portsText } from '../explain/explain-conditions.ts';
import { type Condition, findOnlyUnmet } from '../rules/conditions.ts';
import { candidateRules, decide, decidingRule } from '../rules/decide.ts';
import { isListed } from '../rules/host-index.ts';
import { type HostPattern, patternText } from '../rules/host-patterns.ts';
import type { Policy, PolicyRequest, Rule } from '../rules/policy.ts';

/**
 * A clause such as `allowed on port 443, not 8443`, or undefined. It only names what `decide` has confirmed. Called only for a refused
 * request. Its work is bounded, so that a policy of any size answers in some microseconds.
 */
export function findNearMiss(policy: Policy, request: PolicyRequest): string | undefined {
  const search = { policy, request, looksLeft: LOOKS };
  return findNearRule(search) ?? findNearName(search);
}

/** One search, and how many rules it may still check with `decide`. */
interface Search {
  readonly policy: Policy;
  readonly request: PolicyRequest;
  looksLeft: number;
}

/** Some 30 µs. What needs more is not found: a policy of thousands of rules for any name takes as long for a single decision. */
const LOOKS = 600;

/** At most so many rules are checked: later ones are unlikely to be meant. */
const LOOKED_AT = 50;

/** A rule that names the destination, and has one condition that the request does not meet. */
function findNearRule(search: Search): string | undefined {
  const { policy, request } = search;
  let looked = 0;
  for (const numbers of candidateRules(policy, request.destination)) {
    for (const number of numbers) {
      if (++looked > LOOKED_AT || search.looksLeft === 0) return undefined;
      const rule = policy.rules[number];
      const unmet = rule?.action === 'allow' ? findOnlyUnmet(rule, request) : undefined;
      const clause = rule && unmet && explainNear(unmet.key, rule, search);
      if (clause !== undefined) return clause;
    }
  }
  return undefined;
}

/** Names what would meet the condition, if the request would then be allowed: an earlier rule may still deny it. */
function explainNear(key: Condition['key'], rule: Rule, search: Search): string | undefined {
  const { request } = search;
  switch (key) {
    case 'ports': {
      const ports = (rule.ports ?? []).slice(0, TRIED).filter((range) => areAllowed(range, search));
      if (ports.length === 0) return undefined;
      const [{ from, to } = { from: 0, to: 1 }] = ports;
      const noun = ports.length === 1 && from === to ? 'port' : 'ports';
      return `allowed on ${noun} ${anyOf(ports.map(portsText))}, not ${request.destination.port}`;
    }
    case 'clients': {
      const clients = (rule.clientNetworks ?? []).slice(0, TRIED).filter((one) => isInAllowed(one, search));
      return clients.length === 0 ? undefined : `allowed for clients ${anyOf(clients)}`;
    }
    case 'listeners': {
      const listeners = [...(rule.listeners ?? [])].filter((listener) => isAllowed(search, { ...request, listener }));
      return listeners.length === 0 ? undefined : `allowed at ${anyOf(listeners)}, not at ${request.listener}`;
    }
    case 'users': {
      // Not by name: a client must not learn the names of other users.
      const isForOthers = [...(rule.users ?? [])]
        .slice(0, TRIED)
        .some((user) => isAllowed(search, { ...request, user }));
      if (!isForOthers) return undefined;
      // Where a door asks for a login, every client that gets here has a user: one that has none need not look for its password.
      return request.user === undefined ? 'allowed for users, and this client is none' : 'allowed for other users';
    }
    case 'networks':
      return undefined;
  }
}

/** At most so many of a rule's ports or networks are tried. */
const TRIED = 8;

function areAllowed({ from, to }: PortRange, search: Search): boolean {
  const { request } = search;
  return [from, to].every((port) => isAllowed(search, withDestination(request, { ...request.destination, port })));
}

function isInAllowed(network: Network, search: Search): boolean {
  if (!take(search, COMPILING)) return false;
  const [bounds] = compileNetworks([network]).bounds;
  if (!bounds) return false;
  const client: Ip = { family: bounds.family, words: bounds.first, text: network };
  return isAllowed(search, { ...search.request, client });
}

/** `example.com` for `api.example.com`, or `*.example.com` for `example.com`. Only names that are listed themselves. */
function findNearName(search: Search): string | undefined {
  const { policy, request } = search;
  const { kind, host, port } = request.destination;
  if (kind === 'address') return undefined;
  const near = [...parentsOf(host), ...childrenOf(host)].find(
    ({ pattern, name }) =>
      isListed(policy.hosts, pattern) &&
      isAllowed(search, withDestination(request, { kind: 'name', host: name, port })),
  );
  if (!near || !mayAsk(search, request) || isNamedByDecider(policy, request)) return undefined;
  return `${host} is not allowed; ${patternText(near.pattern)} is`;
}

/** A rule that denies exactly this name does so on purpose, whatever is allowed around it. */
function isNamedByDecider(policy: Policy, request: PolicyRequest): boolean {
  const number = decidingRule(policy, request);
  return number < policy.rules.length && !policy.hosts.any.includes(number);
}

/** A pattern, and a name that it matches. */
interface Near {
  readonly pattern: Exclude<HostPattern, { kind: 'any' }>;
  readonly name: string;
}

/** The closest names above, down to two labels. */
function parentsOf(host: string): readonly Near[] {
  const parents: Near[] = [];
  for (let dot = host.indexOf('.'); dot >= 0 && parents.length < TRIED; dot = host.indexOf('.', dot + 1)) {
    const name = host.slice(dot + 1);
    if (name.includes('.')) parents.push({ pattern: { kind: 'exact', name }, name });
  }
  return parents;
}

/** A label that no host has: where its name is allowed, all its siblings are. */
const ANY_LABEL = 'x--any';

function childrenOf(host: string): readonly Near[] {
  const www = `www.${host}`;
  return [
    { pattern: { kind: 'below', suffix: host }, name: `${ANY_LABEL}.${host}` },
    { pattern: { kind: 'exact', name: www }, name: www },
  ];
}

function isAllowed(search: Search, request: PolicyRequest): boolean {
  return mayAsk(search, request) && decide(search.policy, request).decision === 'allow';
}

/** Whether the policy may still be asked that. Takes the most that it may cost. */
function mayAsk(search: Search, { destination }: PolicyRequest): boolean {
  const looks = candidateRules(search.policy, destination).reduce((sum, rules) => sum + rules.length, 0);
  return take(search, looks);
}

function withDestination(request: PolicyRequest, destination: Destination): PolicyRequest {
  return { ...request, destination };
}

/** A request that costs more than is left ends the search. */
function take(search: Search, looks: number): boolean {
  const isLeft = looks <= search.looksLeft;
  search.looksLeft = isLeft ? search.looksLeft - looks : 0;
  return isLeft;
}

/** Compiling a network takes as long as so many checks of a rule. */
const COMPILING = 60;
