/** What a log has seen of each destination, for each group of clients that gets rules of its own. */
import type { LogEntry } from './access-log.ts';

/** Whose rules are kept apart. */
export type GroupBy = 'nothing' | 'user' | 'client' | 'listener';

/** How often one host was asked for, by whom and when. A million of them must fit: no object in it that could be left out. */
export interface Sighting {
  readonly host: string;
  readonly isLiteral: boolean;
  /** Ascending. */
  ports: readonly number[];
  count: number;
  /** How many of them were denied, or would have been. */
  denied: number;
  /** How many of them `destinations` refused: every address of the name is private or special. */
  refusedAddress: number;
  /** The first three who asked, users where known, else clients. */
  who: readonly string[];
  othersAsked: boolean;
  firstMs: number | undefined;
  lastMs: number | undefined;
}

/** The sightings of one group, by host. */
export type Group = ReadonlyMap<string, Sighting>;

const NAMED = 3;

export class Seen {
  readonly #by: GroupBy;
  readonly #groups = new Map<string, Map<string, Sighting>>();
  readonly #whoLists = new Map<string, readonly string[]>();
  readonly #portLists = new Map<string, readonly number[]>();
  readonly #clients = new Set<string>();
  lines = 0;

  constructor(by: GroupBy) {
    this.#by = by;
  }

  /** By user, client or listener; one group named `''` where nothing keeps them apart, or where no user was known. */
  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Everybody who asked. */
  get clients(): ReadonlySet<string> {
    return this.#clients;
  }

  note(entry: LogEntry): void {
    this.lines++;
    this.#clients.add(entry.client);
    const group = this.#groupOf(entry);
    const known = group.get(entry.host);
    if (known) this.#update(known, entry);
    else group.set(entry.host, this.#begin(entry));
  }

  #groupOf(entry: LogEntry): Map<string, Sighting> {
    const name = this.#by === 'nothing' ? '' : (entry[this.#by] ?? '');
    const group = this.#groups.get(name) ?? new Map<string, Sighting>();
    this.#groups.set(name, group);
    return group;
  }

  #begin(entry: LogEntry): Sighting {
    return {
      host: entry.host,
      isLiteral: entry.ip !== undefined,
      ports: this.#portList([entry.port]),
      count: 1,
      denied: entry.decision === 'allow' ? 0 : 1,
      refusedAddress: entry.reason === 'address' ? 1 : 0,
      who: this.#whoList([entry.user ?? entry.client]),
      othersAsked: false,
      firstMs: entry.timeMs,
      lastMs: entry.timeMs,
    };
  }

  #update(seen: Sighting, entry: LogEntry): void {
    seen.count++;
    if (entry.decision !== 'allow') seen.denied++;
    if (entry.reason === 'address') seen.refusedAddress++;
    if (!seen.ports.includes(entry.port)) {
      seen.ports = this.#portList([...seen.ports, entry.port].sort((a, b) => a - b));
    }
    const who = entry.user ?? entry.client;
    if (!seen.who.includes(who)) {
      if (seen.who.length < NAMED) seen.who = this.#whoList([...seen.who, who]);
      else seen.othersAsked = true;
    }
    if (entry.timeMs === undefined) return;
    seen.firstMs = Math.min(seen.firstMs ?? Infinity, entry.timeMs);
    seen.lastMs = Math.max(seen.lastMs ?? -Infinity, entry.timeMs);
  }

  /** Few lists are unlike each other, and each would weigh more than the rest of a sighting. */
  #whoList(who: readonly string[]): readonly string[] {
    return shared(this.#whoLists, who.join('\n'), who);
  }

  #portList(ports: readonly number[]): readonly number[] {
    return shared(this.#portLists, ports.join(), ports);
  }
}

function shared<List>(lists: Map<string, List>, key: string, list: List): List {
  const known = lists.get(key) ?? list;
  lists.set(key, known);
  return known;
}
