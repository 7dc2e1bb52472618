/** Proposes a policy that allows the requests of a log, with a comment for each entry. Read this first. */
import { compileNetworks, parseIp } from '@sallyport/addresses';
import { escapeReferences } from '@sallyport/config';
import { whySpecial } from '../address-rules/special-forms.ts';
import { destinationText } from '../destination.ts';
import { foldNames } from './fold.ts';
import { isMetadataName } from './metadata-names.ts';
import type { Group, GroupBy, Seen } from './seen.ts';
import { asComment, describeSightings } from './sighting-text.ts';
import type { Sighting, Sightings } from './sightings.ts';

export interface ProposeOptions {
  readonly by: GroupBy;
  /** So many names below one suffix become `*.suffix`; undefined: never. */
  readonly foldAt: number | undefined;
}

/** The lines of a `policy` section in YAML. */
export function* proposePolicy(seen: Seen, options: ProposeOptions): Generator<string> {
  yield 'policy:';
  yield '  default: deny';
  const { sightings } = seen;
  // A rule for whoever has no name matches all others, too, and would leave the rules below it without effect.
  const groups = [...seen.groups].sort(([a], [b]) => Number(a === '') - Number(b === ''));
  const apart = groups.flatMap(([name, group]) => rulesOf(name, group, sightings, options));
  const rules = mergeAlike(apart, sightings);
  yield rules.length === 0 ? '  rules: []' : '  rules:';
  const names = new Set<string>();
  for (const rule of rules) yield* ruleLines(rule, nameOf(rule, names, options), seen, options);
  yield* leftOutLines(seen);
}

/** Hosts that were requested at the same ports. Together they allow exactly what was seen. */
interface ProposedRule {
  /** Users, clients or listeners. */
  readonly groups: readonly string[];
  readonly ports: readonly number[];
  /** Sorted by pattern. */
  readonly hosts: readonly ProposedHost[];
  /** Equal for rules with the same hosts and ports; undefined where the rule cannot be merged. */
  readonly likeness: string | undefined;
}

/** The number of a sighting whose host is the name or address, for there may be a million; or a pattern for several sightings. */
type ProposedHost = number | { readonly pattern: string; readonly items: readonly number[] };

function rulesOf(
  name: string,
  group: Group,
  sightings: Sightings,
  { by, foldAt }: ProposeOptions,
): readonly ProposedRule[] {
  const byPorts = new Map<readonly number[], number[]>();
  for (const number of group.values()) {
    const sighting = sightings.read(number);
    if (whyLeftOut(sighting) !== undefined) continue;
    const alike = byPorts.get(sighting.ports);
    if (alike) alike.push(number);
    else byPorts.set(sighting.ports, [number]);
  }
  return [...byPorts]
    .sort(([a], [b]) => comparePorts(a, b))
    .map(([ports, numbers]) => {
      const hosts = foldAt === undefined ? numbers : foldHosts(numbers, group, sightings, foldAt);
      hosts.sort((a, b) => compareHosts(patternOf(a, sightings), patternOf(b, sightings)));
      // A rule for a group without a name matches any client, and is not merged.
      const mayShare = by !== 'nothing' && name !== '';
      const likeness = mayShare
        ? `${ports.join()} ${hosts.map((host) => patternOf(host, sightings)).join()}`
        : undefined;
      return { groups: [name], ports, hosts, likeness };
    });
}

function foldHosts(numbers: readonly number[], group: Group, sightings: Sightings, foldAt: number): ProposedHost[] {
  const numbersOf = (names: readonly string[]): number[] => names.flatMap((name) => group.get(name) ?? []);
  const addresses = numbers.filter((number) => sightings.isLiteral(number));
  const { folded, left } = foldNames(
    numbers.filter((number) => !sightings.isLiteral(number)).map((number) => sightings.hostOf(number)),
    foldAt,
  );
  const patterns = folded.map(({ pattern, names }) => ({ pattern, items: numbersOf(names) }));
  return [...patterns, ...numbersOf(left), ...addresses];
}

/** Merges the rules of groups that are otherwise equal. */
function mergeAlike(rules: readonly ProposedRule[], sightings: Sightings): readonly ProposedRule[] {
  const merged = new Map<string | ProposedRule, ProposedRule>();
  for (const rule of rules) {
    const key = rule.likeness ?? rule;
    const same = merged.get(key);
    const groups = [...(same?.groups ?? []), ...rule.groups];
    merged.set(key, same ? { ...same, groups, hosts: joinHosts(same, rule, sightings) } : rule);
  }
  return [...merged.values()];
}
function joinHosts(one: ProposedRule, other: ProposedRule, sightings: Sightings): readonly ProposedHost[] {
  return one.hosts.map((host, at) => {
    const alike = other.hosts[at];
    const items = [...itemsOf(host), ...(alike === undefined ? [] : itemsOf(alike))];
    return { pattern: patternOf(host, sightings), items };
  });
}

function patternOf(host: ProposedHost, sightings: Sightings): string {
  return typeof host === 'number' ? sightings.hostOf(host) : host.pattern;
}

function itemsOf(host: ProposedHost): readonly number[] {
  return typeof host === 'number' ? [host] : host.items;
}

function* ruleLines(rule: ProposedRule, name: string, seen: Seen, { by }: ProposeOptions): Generator<string> {
  yield `    - name: ${quoted(name)}`;
  yield '      action: allow';
  const groups = rule.groups.filter((group) => group !== '');
  if (groups.length > 0 && by !== 'nothing') yield `      ${by}s: [${groups.toSorted().map(quoted).join(', ')}]`;
  if (by !== 'client' && areNeighbours(seen.clients)) yield '      clients: [loopback, private]';
  yield `      ports: [${rule.ports.join(', ')}]`;
  // A rule with both matches names by one, and addresses by the other.
  const networks = rule.hosts.filter((host) => isAddress(host, seen.sightings));
  const hosts = networks.length === 0 ? rule.hosts : rule.hosts.filter((host) => !isAddress(host, seen.sightings));
  yield* listLines('hosts', hosts, seen.sightings);
  yield* listLines('networks', networks, seen.sightings);
}

/** Names and addresses are never in one pattern. */
function isAddress(host: ProposedHost, sightings: Sightings): boolean {
  const number = typeof host === 'number' ? host : host.items[0];
  return number !== undefined && sightings.isLiteral(number);
}

function* listLines(key: string, hosts: readonly ProposedHost[], sightings: Sightings): Generator<string> {
  if (hosts.length > 0) yield `      ${key}:`;
  for (const host of hosts) {
    const pattern = patternOf(host, sightings);
    const items = itemsOf(host).map((number) => sightings.read(number));
    yield `        - ${JSON.stringify(pattern)} # ${describeSightings(items, pattern)}`;
  }
}

/** A name from a log, in YAML: not as a reference to the environment, and without characters that reverse the direction of text. */
function quoted(name: string): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(escapeReferences(name)).replace(/[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu, (found) =>
    found.split('').map(escape).join(''),
  );
}

const NEIGHBOURS = compileNetworks(['loopback', 'private']);

function areNeighbours(clients: ReadonlySet<string>): boolean {
  return [...clients].every((client) => {
    const ip = parseIp(client);
    return ip !== undefined && NEIGHBOURS.contains(ip);
  });
}

/** A rule's name has a hundred characters at most, and no control character. */
function nameOf({ groups, ports }: ProposedRule, taken: Set<string>, { by }: ProposeOptions): string {
  const group = by === 'nothing' || groups[0] === '' ? '' : `-${asComment(groups[0] ?? '').slice(0, 40)}`;
  const port = ports.length === 1 && ports[0] === 443 ? '' : `-${ports.join('-').slice(0, 30)}`;
  const base = `learned${group}${port}`;
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base}-${number}`;
  taken.add(name);
  return name;
}

/** At most so many are listed. More come from a scan, and nobody reads such a list. */
const LISTED = 1000;

/** Comments for what was seen and is not proposed. */
function* leftOutLines(seen: Seen): Generator<string> {
  const { sightings } = seen;
  const leftOut: number[] = [];
  for (const group of seen.groups.values()) {
    for (const number of group.values()) if (whyLeftOut(sightings.read(number)) !== undefined) leftOut.push(number);
  }
  if (leftOut.length === 0) return;
  yield '  # Seen, and not proposed:';
  leftOut.sort((a, b) => compareHosts(sightings.hostOf(a), sightings.hostOf(b)));
  for (const number of leftOut.slice(0, LISTED)) {
    const sighting = sightings.read(number);
    const why = whyLeftOut(sighting) ?? '';
    const places = sighting.ports.map((port) => destinationText({ host: sighting.host, port })).join(', ');
    yield `  #   ${places}: ${why}; ${describeSightings([sighting], sighting.host)}`;
  }
  if (leftOut.length > LISTED) yield `  #   and ${leftOut.length - LISTED} more`;
}

/** Why a person has to decide about a destination. */
function whyLeftOut({ host, isLiteral, isUndiallable }: Sighting): string | undefined {
  const ip = isLiteral ? parseIp(host) : undefined;
  if (ip) {
    const why = whySpecial(ip);
    if (why !== undefined) return `an address for special use, ${why}`;
    return isUndiallable ? 'an address that may not be dialled' : undefined;
  }
  if (isMetadataName(host)) return "a cloud's metadata service";
  if (isUndiallable) return 'a name with no address that may be dialled';
  return undefined;
}

function comparePorts(a: readonly number[], b: readonly number[]): number {
  return a.length - b.length || (a[0] ?? 0) - (b[0] ?? 0) || (a.join() < b.join() ? -1 : 1);
}

/** Compares labels from the right, so that related names are adjacent. */
function compareHosts(a: string, b: string): number {
  let [endA, endB] = [a.length, b.length];
  for (let back = 1; back <= a.length && back <= b.length; back++) {
    const code = a.charCodeAt(a.length - back);
    if (code !== b.charCodeAt(b.length - back)) break;
    if (code === DOT) [endA, endB] = [a.length - back, b.length - back];
  }
  const labelA = a.slice(a.lastIndexOf('.', endA - 1) + 1, endA);
  const labelB = b.slice(b.lastIndexOf('.', endB - 1) + 1, endB);
  if (labelA !== labelB) return labelA < labelB ? -1 : 1;
  return a.length - b.length;
}

const DOT = 0x2e;
