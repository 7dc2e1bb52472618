/**
 * The requests of a log by host, in flat memory. A log may name a million hosts, and an object for each would take ten times as much.
 *
 * A sighting is a number, counted from 0; its record is a fixed number of 32-bit words in one array.
 */

/** How often one host was requested, by which clients and when. */
export interface Sighting {
  readonly host: string;
  readonly isLiteral: boolean;
  /** Ascending. Equal lists are the same object. */
  readonly ports: readonly number[];
  readonly count: number;
  /** How many of them were denied, or would have been. */
  readonly denied: number;
  /** Each of them was refused for its addresses: `destinations` refuses them, or they are our own doors. */
  readonly isUndiallable: boolean;
  /** The first three, by user where known, otherwise by client. */
  readonly who: readonly string[];
  readonly othersAsked: boolean;
  /** Since 1970, in UTC; undefined where no line has a time. */
  readonly firstDay: number | undefined;
  readonly lastDay: number | undefined;
}

/** What one line of the log adds. */
export interface Sight {
  readonly port: number;
  readonly who: string;
  readonly isDenied: boolean;
  readonly isUndiallable: boolean;
  readonly timeMs: number | undefined;
}

const NAMED = 3;
const DAY_MS = 86_400_000;

/** The words of a record. */
const COUNT = 0;
const DENIED = 1;
/** Numbers of lists. */
const PORTS = 2;
const WHO = 3;
/** Days since 1970; 0 is none. */
const FIRST_DAY = 4;
const LAST_DAY = 5;
const FLAGS = 6;
const WORDS = 7;

const LITERAL = 1;
const OTHERS_ASKED = 2;
const DIALLABLE = 4;

export class Sightings {
  readonly #hosts: string[] = [];
  readonly #ports = new Lists<number>();
  readonly #who = new Lists<string>();
  #words = new Uint32Array(1024 * WORDS);

  /** Returns the number of a new, empty sighting. */
  open(host: string, isLiteral: boolean): number {
    const number = this.#hosts.push(host) - 1;
    if (this.#hosts.length * WORDS > this.#words.length) this.#words = enlarged(this.#words);
    this.#words[number * WORDS + FLAGS] = isLiteral ? LITERAL : 0;
    return number;
  }

  add(number: number, { port, who, isDenied, isUndiallable, timeMs }: Sight): void {
    const words = this.#words;
    const at = number * WORDS;
    const word = (which: number): number => words[at + which] ?? 0;
    words[at + COUNT] = word(COUNT) + 1;
    if (isDenied) words[at + DENIED] = word(DENIED) + 1;
    if (!isUndiallable) words[at + FLAGS] = word(FLAGS) | DIALLABLE;
    words[at + PORTS] = this.#ports.including(word(PORTS), port, (ports) => ports.sort((a, b) => a - b));
    if (this.#who.list(word(WHO)).length < NAMED) words[at + WHO] = this.#who.including(word(WHO), who);
    else if (!this.#who.list(word(WHO)).includes(who)) words[at + FLAGS] = word(FLAGS) | OTHERS_ASKED;
    const day = timeMs === undefined ? 0 : Math.max(0, Math.floor(timeMs / DAY_MS));
    if (day === 0) return;
    words[at + FIRST_DAY] = Math.min(word(FIRST_DAY) || day, day);
    words[at + LAST_DAY] = Math.max(word(LAST_DAY), day);
  }

  hostOf(number: number): string {
    return this.#hosts[number] ?? '';
  }

  /** True where the host is an IP address. */
  isLiteral(number: number): boolean {
    return ((this.#words[number * WORDS + FLAGS] ?? 0) & LITERAL) !== 0;
  }

  /** The record as an object, for as long as it is needed. */
  read(number: number): Sighting {
    const word = (which: number): number => this.#words[number * WORDS + which] ?? 0;
    const flags = word(FLAGS);
    return {
      host: this.hostOf(number),
      isLiteral: this.isLiteral(number),
      ports: this.#ports.list(word(PORTS)),
      count: word(COUNT),
      denied: word(DENIED),
      isUndiallable: (flags & DIALLABLE) === 0,
      who: this.#who.list(word(WHO)),
      othersAsked: (flags & OTHERS_ASKED) !== 0,
      firstDay: word(FIRST_DAY) || undefined,
      lastDay: word(LAST_DAY) || undefined,
    };
  }
}

/** Lists by number. Few differ, and a list for each record would be larger than the record. The first is empty. */
class Lists<Item extends string | number> {
  readonly #lists: (readonly Item[])[] = [[]];
  readonly #numbers = new Map<string, number>();

  list(number: number): readonly Item[] {
    return this.#lists[number] ?? [];
  }

  /** The number of the list with the items of this one and the new item. */
  including(number: number, item: Item, order: (items: Item[]) => Item[] = (items) => items): number {
    const list = this.list(number);
    if (list.includes(item)) return number;
    const longer = order([...list, item]);
    const key = longer.join('\n');
    const known = this.#numbers.get(key) ?? this.#lists.push(longer) - 1;
    this.#numbers.set(key, known);
    return known;
  }
}

function enlarged(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}
