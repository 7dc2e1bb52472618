/** The requests of a log by destination, for each group of clients that gets its own rules. */
import type { LogEntry } from './access-log.ts';
import { Sightings } from './sightings.ts';

/** How clients are grouped: each group gets rules of its own. */
export type GroupBy = 'nothing' | 'user' | 'client' | 'listener';

/** The numbers of one group's sightings, by host. */
export type Group = ReadonlyMap<string, number>;

export class Seen {
  readonly sightings = new Sightings();
  readonly #by: GroupBy;
  readonly #groups = new Map<string, Map<string, number>>();
  readonly #clients = new Set<string>();
  lines = 0;

  constructor(by: GroupBy) {
    this.#by = by;
  }

  /** By user, client or listener. One group named `''` where they are not separated, or where no user was known. */
  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** All clients that were seen. */
  get clients(): ReadonlySet<string> {
    return this.#clients;
  }

  note(entry: LogEntry): void {
    const { host, ip, port, client, user, decision, reason, timeMs } = entry;
    this.lines++;
    this.#clients.add(client);
    const group = this.#groupOf(entry);
    const known = group.get(host);
    const number = known ?? this.sightings.open(host, ip !== undefined);
    if (known === undefined) group.set(host, number);
    this.sightings.add(number, {
      port,
      who: user ?? client,
      isDenied: decision !== 'allow',
      isUndiallable: reason === 'address' || reason === 'loop',
      timeMs,
    });
  }

  #groupOf(entry: LogEntry): Map<string, number> {
    const name = this.#by === 'nothing' ? '' : (entry[this.#by] ?? '');
    const group = this.#groups.get(name) ?? new Map<string, number>();
    this.#groups.set(name, group);
    return group;
  }
}
