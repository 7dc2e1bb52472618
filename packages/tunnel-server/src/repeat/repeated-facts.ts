/** The facts of a tunnel that was repeated. What those of one verdict have in common is kept once. */
import type { Ip } from '@sallyport/addresses';
import type { Decision } from '@sallyport/policy';
import type { Address, DeadlineMs, Repeated } from '@sallyport/tunnel-splice';
import type { Point, RecordedDoor, RecordedHello, TunnelFacts } from '../account/tunnel-facts.ts';

/** What the tunnels of one verdict have in common. */
export interface Model {
  readonly door: RecordedDoor;
  readonly client: Ip;
  readonly destination: Point & { readonly kind: 'name' | 'address' };
  readonly hello: RecordedHello | undefined;
  readonly decision: Decision;
  readonly egress: string;
  readonly upstream: Address;
  readonly status: number | undefined;
  /** As `listTexts` lists them. */
  readonly texts: readonly string[];
}

export class RepeatedFacts implements TunnelFacts {
  readonly number: number;
  readonly client: Point;
  readonly openedAt: DeadlineMs;
  readonly connectMs: number;
  readonly upAt: DeadlineMs;
  readonly helloPlace: number;
  readonly #model: Model;

  constructor(
    model: Model,
    number: number,
    helloPlace: number,
    { remotePort, acceptedAt, dialledAt, upAt }: Omit<Repeated, 'nonce'>,
  ) {
    this.#model = model;
    this.number = number;
    this.helloPlace = helloPlace;
    this.client = { host: model.client.text, port: remotePort };
    this.openedAt = acceptedAt;
    this.connectMs = Math.max(0, upAt - dialledAt);
    this.upAt = upAt;
  }

  get door(): RecordedDoor {
    return this.#model.door;
  }

  get destination(): Point {
    return this.#model.destination;
  }

  get hello(): RecordedHello | undefined {
    return this.#model.hello;
  }

  get decision(): Decision {
    return this.#model.decision;
  }

  get egress(): string {
    return this.#model.egress;
  }

  get upstream(): Address {
    return this.#model.upstream;
  }

  get status(): number | undefined {
    return this.#model.status;
  }

  get texts(): readonly string[] {
    return this.#model.texts;
  }

  get hasPlace(): boolean {
    return true;
  }

  get hasDialled(): boolean {
    return true;
  }

  /** Nobody waited for its name. */
  get resolveMs(): number | undefined {
    return this.#model.destination.kind === 'name' ? 0 : undefined;
  }

  get user(): undefined {
    return undefined;
  }

  get original(): undefined {
    return undefined;
  }

  get remark(): undefined {
    return undefined;
  }
}
