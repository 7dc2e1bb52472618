/**
 * The facts of tunnels that are up, in some 150 bytes each. A busy proxy holds thousands of tunnels, most of them idle, and needs their
 * facts only when they end. So they are stored here in columns, by the tunnel's number, and read back once.
 */
import type { TunnelNumber } from '@sallyport/tunnel-splice';
import type { Decision } from '@sallyport/policy';
import {
  type Kind,
  newPage,
  type Page,
  RestingFacts,
  type Texts,
  TUNNELS_PER_PAGE,
  writeFacts,
} from './resting-facts.ts';
import type { RecordedDoor, RecordedHello, TunnelFacts } from './tunnel-facts.ts';

/** The kinds of one door by decision, then by egress and what the hello offers. */
type KindsOfDoor = Map<Decision | undefined, Map<string, Kind>>;

export class RestingTunnels {
  readonly #pages: Page[] = [];
  readonly #texts: (Texts | undefined)[] = [];
  readonly #kinds: (Kind | undefined)[] = [];
  /** The kind of the last tunnel: most tunnels have the kind of the one before. It alone is kept without tunnels. */
  #latest: Kind | undefined;
  /**
   * Clients choose what they offer. So a kind is removed with its last tunnel, and there are never more kinds than tunnels. The reader of
   * hellos bounds the size of one.
   */
  readonly #kindsOf = new Map<RecordedDoor, KindsOfDoor>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  put(tunnel: TunnelNumber, facts: TunnelFacts): void {
    this.#texts[tunnel] = writeFacts(facts, this.#pageOf(tunnel), tunnel % TUNNELS_PER_PAGE);
    const kind = this.#kindOf(facts);
    kind.tunnels += 1;
    this.#kinds[tunnel] = kind;
    this.#count += 1;
  }

  /** Undefined where there is no such tunnel. */
  doorOf(tunnel: TunnelNumber): RecordedDoor | undefined {
    return this.#kinds[tunnel]?.door;
  }

  /** The numbers of all of them. */
  *numbers(): Iterable<TunnelNumber> {
    for (const [tunnel, kind] of this.#kinds.entries()) if (kind) yield tunnel;
  }

  /** Valid until another tunnel has this number. Undefined where there is no such tunnel. */
  read(tunnel: TunnelNumber): RestingFacts | undefined {
    const kind = this.#kinds[tunnel];
    const texts = this.#texts[tunnel];
    if (kind === undefined || texts === undefined) return undefined;
    return new RestingFacts(kind, texts, this.#pageOf(tunnel), tunnel % TUNNELS_PER_PAGE);
  }

  /** The facts of a tunnel that has ended, for good; see `read`. */
  take(tunnel: TunnelNumber): RestingFacts | undefined {
    const kind = this.#kinds[tunnel];
    const facts = this.read(tunnel);
    if (kind === undefined || facts === undefined) return undefined;
    kind.tunnels -= 1;
    if (kind !== this.#latest) this.#giveBack(kind);
    this.#count -= 1;
    this.#texts[tunnel] = undefined;
    this.#kinds[tunnel] = undefined;
    return facts;
  }

  #pageOf(tunnel: TunnelNumber): Page {
    return (this.#pages[Math.floor(tunnel / TUNNELS_PER_PAGE)] ??= newPage());
  }

  #kindOf(facts: TunnelFacts): Kind {
    const latest = this.#latest;
    if (latest !== undefined && isLike(latest, facts)) return latest;
    const kind = this.#findKind(facts);
    this.#latest = kind;
    if (latest) this.#giveBack(latest);
    return kind;
  }

  #findKind({ door, decision, egress, hello }: TunnelFacts): Kind {
    const kinds = this.#kindsLike(door, decision);
    const key = `${egress} ${hello ? helloKey(hello) : ''}`;
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const kind = { door, decision, egress, hello: hello && offersOf(hello), key, tunnels: 0 };
    kinds.set(key, kind);
    return kind;
  }

  #kindsLike(door: RecordedDoor, decision: Decision | undefined): Map<string, Kind> {
    const ofDoor = this.#kindsOf.get(door) ?? new Map<Decision | undefined, Map<string, Kind>>();
    if (ofDoor.size === 0) this.#kindsOf.set(door, ofDoor);
    const kinds = ofDoor.get(decision) ?? new Map<string, Kind>();
    if (kinds.size === 0) ofDoor.set(decision, kinds);
    return kinds;
  }

  /** Removes a kind that has no tunnel any more. */
  #giveBack({ door, decision, key, tunnels }: Kind): void {
    if (tunnels > 0) return;
    const ofDoor = this.#kindsOf.get(door);
    const kinds = ofDoor?.get(decision);
    kinds?.delete(key);
    if (kinds?.size === 0) ofDoor?.delete(decision);
    if (ofDoor?.size === 0) this.#kindsOf.delete(door);
  }
}

function offersOf({ tls, ech, alpn, alpnDropped }: RecordedHello): Kind['hello'] {
  return { tls, ech, alpn, alpnDropped };
}

function isLike(kind: Kind, { door, decision, egress, hello }: TunnelFacts): boolean {
  if (kind.door !== door || kind.decision !== decision || kind.egress !== egress) return false;
  if (kind.hello === undefined || hello === undefined) return kind.hello === hello;
  const { tls, ech, alpn, alpnDropped } = kind.hello;
  const isSame = tls === hello.tls && ech === hello.ech && alpnDropped === hello.alpnDropped;
  return isSame && isSameList(alpn, hello.alpn);
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}

function helloKey({ tls, ech, alpn, alpnDropped }: RecordedHello): string {
  return `${tls} ${ech ? 'ech' : ''} ${alpn.length === 0 ? '' : JSON.stringify(alpn)}${alpnDropped}`;
}
