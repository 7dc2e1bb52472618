/** A tunnel with a keeper of its own, so that a test can wait for its end. */
import type {
  Leg,
  SpliceOptions,
  Transport,
  TunnelCounts,
  TunnelKeeper,
  TunnelNumber,
  TunnelResult,
} from '../../src/index.ts';

export class FollowedTunnel implements TunnelKeeper {
  readonly done: Promise<TunnelResult>;
  readonly #transport: Transport;
  /** Once it is up. */
  number: TunnelNumber | undefined;
  #result: TunnelResult | undefined;
  #resolve: (result: TunnelResult) => void = () => undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  isUp(tunnel: TunnelNumber): void {
    this.number = tunnel;
  }

  tunnelEnded(tunnel: TunnelNumber, result: TunnelResult): void {
    if (tunnel !== this.number) throw new Error(`tunnel ${tunnel} ended, and this is ${this.number}`);
    if (this.#result !== undefined) throw new Error('it ended twice');
    this.#result = result;
    this.#resolve(result);
  }

  /** Also once it is over. */
  counts(): TunnelCounts {
    if (this.number === undefined) return { bytesUp: 0, bytesDown: 0 };
    if (this.#result === undefined) return this.#transport.counts(this.number);
    return { bytesUp: this.#result.bytesUp, bytesDown: this.#result.bytesDown };
  }

  cut(): void {
    if (this.#result === undefined && this.number !== undefined) this.#transport.cut(this.number);
  }
}

export function followSplice(
  transport: Transport,
  client: Leg,
  upstream: Leg,
  options: Omit<SpliceOptions, 'keeper'>,
): FollowedTunnel {
  const followed = new FollowedTunnel(transport);
  followed.isUp(transport.splice(client, upstream, { ...options, keeper: followed }));
  return followed;
}
