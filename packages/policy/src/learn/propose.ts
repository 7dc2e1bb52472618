/** From what a log has seen to a policy that allows it, with a comment for each entry. Read this first. */
import { compileNetworks, parseIp, specialPurposeOf } from '@sallyport/addresses';
import { destinationText } from '../destination.ts';
import { foldNames } from './fold.ts';
import { isMetadataName } from './metadata-names.ts';
import type { Group, GroupBy, Seen, Sighting } from './seen.ts';
import { asComment, describeSightings } from './sighting-text.ts';

export interface ProposeOptions {
  readonly by: GroupBy;
  /** So many names below one suffix become `*.suffix`; undefined: never. */
  readonly foldAt: number | undefined;
}

/** The lines of a `policy` section in YAML. */
export function* proposePolicy(seen: Seen, options: ProposeOptions): Generator<string> {
  yield 'policy:';
  yield '  default: deny';
  const rules = mergeAlike([...seen.groups].flatMap(([name, group]) => rulesOf(name, group, options)));
  yield rules.length === 0 ? '  rules: []' : '  rules:';
  const names = new Set<string>();
  for (const rule of rules) yield* ruleLines(rule, nameOf(rule, names, options), seen, options);
  yield* leftOutLines(seen);
}

/** Hosts that were asked for at the same ports. Together they allow what was seen and no more. */
interface ProposedRule {
  /** Users, clients or listeners. */
  readonly groups: readonly string[];
  readonly ports: readonly number[];
  readonly hosts: readonly { readonly pattern: string; readonly items: readonly Sighting[] }[];
}

function rulesOf(name: string, group: Group, { foldAt }: ProposeOptions): readonly ProposedRule[] {
  const byPorts = new Map<readonly number[], Sighting[]>();
  for (const sighting of group.values()) {
    if (whyLeftOut(sighting) !== undefined) continue;
    const alike = byPorts.get(sighting.ports);
    if (alike) alike.push(sighting);
    else byPorts.set(sighting.ports, [sighting]);
  }
  return [...byPorts]
    .sort(([a], [b]) => comparePorts(a, b))
    .map(([ports, sightings]) => ({
      groups: [name],
      ports,
      hosts: foldNames(sightings, foldAt ?? Infinity).toSorted((a, b) => compareHosts(a.pattern, b.pattern)),
    }));
}

/** Groups whose rules are the same share one. */
function mergeAlike(rules: readonly ProposedRule[]): readonly ProposedRule[] {
  const merged = new Map<string, ProposedRule>();
  for (const rule of rules) {
    // Whoever has no name for it matches anybody, and shares with nobody.
    const isForAnybody = rule.groups.includes('');
    const key = `${isForAnybody} ${rule.ports.join()} ${rule.hosts.map(({ pattern }) => pattern).join()}`;
    const same = merged.get(key);
    merged.set(key, same ? { ...same, groups: [...same.groups, ...rule.groups], hosts: joinHosts(same, rule) } : rule);
  }
  return [...merged.values()];
}

function joinHosts(one: ProposedRule, other: ProposedRule): ProposedRule['hosts'] {
  return one.hosts.map(({ pattern, items }, at) => ({ pattern, items: [...items, ...(other.hosts[at]?.items ?? [])] }));
}

function* ruleLines(rule: ProposedRule, name: string, seen: Seen, { by }: ProposeOptions): Generator<string> {
  yield `    - name: ${JSON.stringify(name)}`;
  yield '      action: allow';
  const groups = rule.groups.filter((group) => group !== '');
  if (groups.length > 0 && by !== 'nothing') yield `      ${by}s: ${JSON.stringify(groups.toSorted())}`;
  if (by !== 'client' && areNeighbours(seen.clients)) yield '      clients: [loopback, private]';
  yield `      ports: [${rule.ports.join(', ')}]`;
  yield '      hosts:';
  for (const { pattern, items } of rule.hosts) {
    yield `        - ${JSON.stringify(pattern)} # ${describeSightings(items, pattern)}`;
  }
}

const NEIGHBOURS = compileNetworks(['loopback', 'private']);

function areNeighbours(clients: ReadonlySet<string>): boolean {
  return [...clients].every((client) => {
    const ip = parseIp(client);
    return ip !== undefined && NEIGHBOURS.contains(ip);
  });
}

/** A rule's name takes a hundred characters at most, none of them a control character. */
function nameOf({ groups, ports }: ProposedRule, taken: Set<string>, { by }: ProposeOptions): string {
  const group = by === 'nothing' || groups[0] === '' ? '' : `-${asComment(groups[0] ?? '').slice(0, 40)}`;
  const port = ports.length === 1 && ports[0] === 443 ? '' : `-${ports.join('-').slice(0, 30)}`;
  const base = `learned${group}${port}`;
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base}-${number}`;
  taken.add(name);
  return name;
}

/** So many are listed: more are a scan, and no list for people. */
const LISTED = 1000;

/** What was seen and is not proposed, as comments. */
function* leftOutLines(seen: Seen): Generator<string> {
  const leftOut = [...seen.groups.values()].flatMap((group) =>
    [...group.values()].flatMap((sighting) => {
      const why = whyLeftOut(sighting);
      return why === undefined ? [] : [{ sighting, why }];
    }),
  );
  if (leftOut.length === 0) return;
  yield '  # Seen, and not proposed:';
  leftOut.sort((a, b) => compareHosts(a.sighting.host, b.sighting.host));
  for (const { sighting, why } of leftOut.slice(0, LISTED)) {
    const places = sighting.ports.map((port) => destinationText({ host: sighting.host, port })).join(', ');
    yield `  #   ${places}: ${why}; ${describeSightings([sighting], sighting.host)}`;
  }
  if (leftOut.length > LISTED) yield `  #   and ${leftOut.length - LISTED} more`;
}

/** Why a destination is for a person to decide about, and not for this list. */
function whyLeftOut({ host, isLiteral, count, refusedAddress }: Sighting): string | undefined {
  const ip = isLiteral ? parseIp(host) : undefined;
  if (ip) {
    const purpose = specialPurposeOf(ip);
    return purpose ? `an address for special use, ${purpose.name} (${purpose.source})` : 'an IP address, no name';
  }
  if (isMetadataName(host)) return "a cloud's metadata service";
  if (refusedAddress === count) return 'a name with no address that policy.destinations permits';
  return undefined;
}

function comparePorts(a: readonly number[], b: readonly number[]): number {
  return a.length - b.length || (a[0] ?? 0) - (b[0] ?? 0) || (a.join() < b.join() ? -1 : 1);
}

/** By the labels from the right, so that what belongs together stands together. */
function compareHosts(a: string, b: string): number {
  let [endA, endB] = [a.length, b.length];
  while (endA > 0 && endB > 0) {
    const [dotA, dotB] = [a.lastIndexOf('.', endA - 1), b.lastIndexOf('.', endB - 1)];
    const [labelA, labelB] = [a.slice(dotA + 1, endA), b.slice(dotB + 1, endB)];
    if (labelA !== labelB) return labelA < labelB ? -1 : 1;
    [endA, endB] = [dotA, dotB];
  }
  return endA - endB;
}
