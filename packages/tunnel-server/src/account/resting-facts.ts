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

/** Number, openedAt, upAt, resolveMs, connectMs; NaN for what is not known. */
export const TIMES = 5;
/** Ports of client, destination, upstream and original; status; a place in the limits; one more than the hello's place. */
export const SMALLS = 7;
/** Between texts. No text contains it: they are names, literals and our own sentences. */
export const SEPARATOR = '\0';
/** Stands for a server_name that is the destination's host. */
export const SAME_AS_HOST = '=';

export interface Page {
  readonly times: Float64Array;
  readonly smalls: Uint16Array;
}

/** Read only where they are used: of most tunnels that end, nothing but the door and the client is needed when no line is logged. */
export class RestingFacts implements TunnelFacts {
  readonly hasDialled = true;
  readonly #kind: Kind;
  readonly #text: string;
  readonly #page: Page;
  readonly #at: number;
  #texts: readonly string[] | undefined;

  /** @param at its place in the page */
  constructor(kind: Kind, text: string, page: Page, at: number) {
    this.#kind = kind;
    this.#text = text;
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
    return { host: this.#text.slice(0, this.#text.indexOf(SEPARATOR)), port: this.#small(0) };
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

  #time(column: number): number | undefined {
    const value = this.#page.times[TIMES * this.#at + column];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  #small(column: number): number {
    return this.#page.smalls[SMALLS * this.#at + column] ?? 0;
  }

  #textAt(column: number): string | undefined {
    this.#texts ??= this.#text.split(SEPARATOR);
    const text = this.#texts[column];
    return text === '' ? undefined : text;
  }

  #point(text: number, small: number): Point | undefined {
    const host = this.#textAt(text);
    return host === undefined ? undefined : { host, port: this.#small(small) };
  }
}
