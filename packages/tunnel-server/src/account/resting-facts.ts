/** The facts of a tunnel that is up, as they lie in their columns. */
import type { Decision } from '@sallyport/policy';
import type { Point, RecordedDoor, RecordedHello, TunnelFacts } from './tunnel-facts.ts';

/** What many tunnels have in common. */
export interface Kind {
  readonly door: RecordedDoor;
  readonly decision: Decision | undefined;
  readonly egress: string | undefined;
  readonly hello: Omit<RecordedHello, 'sni'> | undefined;
  /** Its name among the kinds of its door and decision. */
  readonly key: string;
  /** How many tunnels are of this kind. */
  tunnels: number;
}

export const TUNNELS_PER_PAGE = 1024;
/** Number, openedAt, upAt, resolveMs, connectMs; NaN for what is not known. */
const TIMES = 5;
/** Ports of client, destination, upstream and original; status; a place in the limits; one more than the hello's place. */
const SMALLS = 7;
/** Between texts. No text contains it: they are names, literals and our own sentences. */
const SEPARATOR = '\0';
/** Stands for a server_name that is the destination's host. */
const SAME_AS_HOST = '=';

export interface Page {
  readonly times: Float64Array;
  readonly smalls: Uint16Array;
}

/** Room for the numbers of {@link TUNNELS_PER_PAGE} tunnels. */
export function newPage(): Page {
  return {
    times: new Float64Array(TIMES * TUNNELS_PER_PAGE),
    smalls: new Uint16Array(SMALLS * TUNNELS_PER_PAGE),
  };
}

/** A tunnel's texts, for {@link RestingFacts} to read: joined into one, which takes less memory; or a list that many tunnels share. */
export type Texts = string | readonly string[];

/** Writes a tunnel's numbers to its place in the page. Returns its texts. */
export function writeFacts(facts: TunnelFacts, { times, smalls }: Page, at: number): Texts {
  const { destination, upstream, original } = facts;
  const time = TIMES * at;
  times[time] = facts.number;
  times[time + 1] = facts.openedAt;
  times[time + 2] = facts.upAt ?? NaN;
  times[time + 3] = facts.resolveMs ?? NaN;
  times[time + 4] = facts.connectMs ?? NaN;
  const small = SMALLS * at;
  smalls[small] = facts.client.port;
  smalls[small + 1] = destination?.port ?? 0;
  smalls[small + 2] = upstream?.port ?? 0;
  smalls[small + 3] = original?.port ?? 0;
  smalls[small + 4] = facts.status ?? 0;
  smalls[small + 5] = facts.hasPlace ? 1 : 0;
  smalls[small + 6] = facts.helloPlace + 1;
  // An array is joined into one new string; concatenated strings would keep all of their parts.
  return facts.texts ?? listTexts(facts).join(SEPARATOR);
}

/** To be shared by tunnels that have the same. */
export function listTexts({
  client,
  destination,
  upstream,
  original,
  hello,
  user,
  remark,
}: TextFacts): readonly string[] {
  const sni = hello?.sni !== undefined && hello.sni === destination?.host ? SAME_AS_HOST : hello?.sni;
  const texts = [client.host, destination?.host, upstream?.host, original?.host, sni, user, remark];
  return texts.map((text) => text ?? '');
}

type TextFacts = Pick<TunnelFacts, 'destination' | 'upstream' | 'original' | 'hello' | 'user' | 'remark'> & {
  readonly client: Pick<Point, 'host'>;
};

/** Read only where they are used: of most tunnels that end, nothing but the door and the client is needed when no line is logged. */
export class RestingFacts implements TunnelFacts {
  readonly hasDialled = true;
  readonly #kind: Kind;
  readonly #page: Page;
  readonly #at: number;
  /** Split once they are read. */
  #texts: Texts;

  /** @param at its place in the page */
  constructor(kind: Kind, texts: Texts, page: Page, at: number) {
    this.#kind = kind;
    this.#texts = texts;
    this.#page = page;
    this.#at = at;
  }

  get door(): RecordedDoor {
    return this.#kind.door;
  }

  get decision(): Decision | undefined {
    return this.#kind.decision;
  }

  get egress(): string | undefined {
    return this.#kind.egress;
  }

  get number(): number {
    return this.#time(0) ?? NaN;
  }

  get openedAt(): number {
    return this.#time(1) ?? NaN;
  }

  get upAt(): number | undefined {
    return this.#time(2);
  }

  get resolveMs(): number | undefined {
    return this.#time(3);
  }

  get connectMs(): number | undefined {
    return this.#time(4);
  }

  get client(): Point {
    const texts = this.#texts;
    const host = typeof texts === 'string' ? texts.slice(0, texts.indexOf(SEPARATOR)) : texts[0];
    return { host: host ?? '', port: this.#small(0) };
  }

  get destination(): Point | undefined {
    return this.#point(1, 1);
  }

  get upstream(): Point | undefined {
    return this.#point(2, 2);
  }

  get original(): Point | undefined {
    return this.#point(3, 3);
  }

  get status(): number | undefined {
    const status = this.#small(4);
    return status === 0 ? undefined : status;
  }

  get hasPlace(): boolean {
    return this.#small(5) === 1;
  }

  get helloPlace(): number {
    return this.#small(6) - 1;
  }

  get hello(): RecordedHello | undefined {
    const { hello } = this.#kind;
    if (hello === undefined) return undefined;
    const named = this.#textAt(4);
    const sni = named === SAME_AS_HOST ? this.#textAt(1) : named;
    return { tls: hello.tls, ech: hello.ech, alpn: hello.alpn, alpnDropped: hello.alpnDropped, sni };
  }

  get user(): string | undefined {
    return this.#textAt(5);
  }

  get remark(): string | undefined {
    return this.#textAt(6);
  }

  /** Whether its client, destination, upstream, user, rule or listener contains this text. Most have it nowhere, and need not be split. */
  mentions(text: string): boolean {
    const { door, decision } = this.#kind;
    const isNamed = door.name.includes(text) || (decision?.rule.includes(text) ?? false);
    if (isNamed || (typeof this.#texts === 'string' && !this.#texts.includes(text))) return isNamed;
    const texts = [this.client.host, this.destination?.host, this.upstream?.host, this.user];
    return texts.some((each) => each?.includes(text));
  }

  #time(column: number): number | undefined {
    const value = this.#page.times[TIMES * this.#at + column];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  #small(column: number): number {
    return this.#page.smalls[SMALLS * this.#at + column] ?? 0;
  }

  #textAt(column: number): string | undefined {
    if (typeof this.#texts === 'string') this.#texts = this.#texts.split(SEPARATOR);
    const text = this.#texts[column];
    return text === '' ? undefined : text;
  }

  #point(text: number, small: number): Point | undefined {
    const host = this.#textAt(text);
    return host === undefined ? undefined : { host, port: this.#small(small) };
  }
}
